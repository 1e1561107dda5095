"""gold.daily_user_plays: playbacks of each listener by day."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.columns import count_where, counted_once, declared, exact_sum
from jobs.statistics import is_flagged_day, unflagged
from schemas.gold import DAILY_USER_PLAYS
from schemas.statistics import LISTENED


def transform(plays: DataFrame, merged_plays: DataFrame) -> DataFrame:
    """Count tracks by day and listener; a row is all that a flag depends on, so that it needs no pass of its own."""
    tracks = counted_once(plays, merged_plays).where(F.col("content_type") == "track")
    # Grouped twice instead of countDistinct, of which one engine took over 5 GB for half a million rows.
    by_track = tracks.groupBy("event_date", "user_id", "track_id").agg(
        F.count(F.lit(1)).alias("playback_count"),
        count_where(F.col("counts_as_play")).alias("play_count"),
        count_where(F.col("is_skip")).alias("skip_count"),
        exact_sum(F.col("ms_played")).alias("played_ms"),
    )
    counted = by_track.groupBy("event_date", "user_id").agg(
        F.sum("playback_count").alias("playback_count"),
        F.sum("play_count").alias("play_count"),
        F.sum("skip_count").alias("skip_count"),
        F.count("track_id").alias("track_count"),
        exact_sum(F.col("played_ms")).alias("played_ms"),
    )
    flagged = is_flagged_day(F.col("played_ms"), F.col("playback_count"))
    clean = {f"clean_{one.name}": unflagged(one.name, flagged) for one in LISTENED}
    return declared(counted.withColumns(clean), DAILY_USER_PLAYS)
