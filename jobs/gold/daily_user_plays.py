"""gold.daily_user_plays: playbacks of each listener by day."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.columns import count_where, declared, exact_sum
from schemas.gold import DAILY_USER_PLAYS


def transform(plays: DataFrame) -> DataFrame:
    """Count tracks by day and listener."""
    tracks = plays.where(F.col("content_type") == "track")
    counted = tracks.groupBy("event_date", "user_id").agg(
        F.count(F.lit(1)).alias("playback_count"),
        count_where(F.col("counts_as_play")).alias("play_count"),
        count_where(F.col("is_skip")).alias("skip_count"),
        F.countDistinct("track_id").alias("track_count"),
        exact_sum(F.col("ms_played")).alias("played_ms"),
    )
    return declared(counted, DAILY_USER_PLAYS)
