"""gold.listener_discoveries: when each listener first played each track, artist and album."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.columns import declared
from jobs.statistics import by_entity
from schemas.statistics import LISTENER_DISCOVERIES


def transform(listener_track_days: DataFrame) -> DataFrame:
    """The first date with a play, and the first one on which the listener is not flagged."""
    played = by_entity(listener_track_days).where(F.col("play_count") > 0)
    first = played.groupBy("slice", "user_id", "entity_type", "entity_id").agg(
        F.min("event_date").alias("first_date"),
        F.min(F.when(~F.col("is_flagged"), F.col("event_date"))).alias("clean_first_date"),
    )
    return declared(first, LISTENER_DISCOVERIES)
