"""gold.daily_track_plays: playbacks of each track by day and country."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.columns import count_where, declared, exact_sum
from schemas.gold import DAILY_TRACK_PLAYS


def transform(plays: DataFrame) -> DataFrame:
    """Count tracks by day, country and track; a listener counts once however often they played it."""
    tracks = plays.where(F.col("content_type") == "track")
    counted = tracks.groupBy("event_date", "country", "track_id").agg(
        F.count(F.lit(1)).alias("playback_count"),
        count_where(F.col("counts_as_play")).alias("play_count"),
        count_where(F.col("is_skip")).alias("skip_count"),
        F.countDistinct("user_id").alias("listener_count"),
        exact_sum(F.col("ms_played")).alias("played_ms"),
    )
    return declared(counted, DAILY_TRACK_PLAYS)
