"""gold.daily_track_plays: playbacks of each track by day and country."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.columns import count_where, counted_once, declared, exact_sum
from jobs.statistics import unflagged
from schemas.gold import DAILY_TRACK_PLAYS
from schemas.statistics import LISTENED


def transform(plays: DataFrame, merged_plays: DataFrame, daily_user_plays: DataFrame) -> DataFrame:
    """Count tracks by day, country and track; a listener counts once however often they played it."""
    return counted(counted_once(plays, merged_plays), flagged_days(daily_user_plays))


def flagged_days(daily_user_plays: DataFrame) -> DataFrame:
    """Days of listeners on which they are flagged; a row from before there were clean counts flags none."""
    return daily_user_plays.where(F.col("clean_playback_count") == 0).select("event_date", "user_id")


def counted(plays: DataFrame, flagged: DataFrame) -> DataFrame:
    """The rows of `transform` from plays all of which are to be counted, and `flagged_days`."""
    tracks = plays.where(F.col("content_type") == "track")
    # Grouped twice instead of countDistinct, of which one engine took over 5 GB for half a million rows.
    by_listener = tracks.groupBy("event_date", "country", "track_id", "user_id").agg(
        F.count(F.lit(1)).alias("playback_count"),
        count_where(F.col("counts_as_play")).alias("play_count"),
        count_where(F.col("is_skip")).alias("skip_count"),
        exact_sum(F.col("ms_played")).alias("played_ms"),
    )
    marked = by_listener.join(
        F.broadcast(flagged.withColumn("is_flagged", F.lit(True))), on=["event_date", "user_id"], how="left"
    )
    cells = marked.groupBy("event_date", "country", "track_id").agg(
        F.sum("playback_count").alias("playback_count"),
        F.sum("play_count").alias("play_count"),
        F.sum("skip_count").alias("skip_count"),
        F.count("user_id").alias("listener_count"),
        exact_sum(F.col("played_ms")).alias("played_ms"),
        # None is more than the raw one beside it, so that these cannot wrap.
        *(F.sum(unflagged(one.name)).alias(f"clean_{one.name}") for one in LISTENED),
        count_where(F.col("is_flagged").isNull()).alias("clean_listener_count"),
    )
    return declared(cells, DAILY_TRACK_PLAYS)
