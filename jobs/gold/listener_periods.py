"""gold.listener_periods: what each listener heard in a period, all together."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.columns import count_where, declared
from jobs.statistics import by_entity, raw_and_clean, with_period
from schemas.statistics import LISTENER_PERIODS, RAW_AND_CLEAN


def transform(listener_track_days: DataFrame) -> DataFrame:
    """Sum up, and count what differs: by grouping twice, since every playback is once in its track."""
    days = listener_track_days.withColumns(
        {"entity_type": F.lit("day"), "entity_id": F.col("event_date").cast("string")}
    ).drop("track_id", "artist_id", "album_id")
    cells = by_entity(listener_track_days).unionByName(days)
    distinct = cells.groupBy("slice", "user_id", "entity_type", "entity_id").agg(*raw_and_clean())
    of_tracks = [
        F.sum(F.when(F.col("entity_type") == "track", F.col(one.name)).otherwise(0)).alias(one.name)
        for one in RAW_AND_CLEAN
    ]
    counts = [
        count_where(F.col("entity_type") == one).alias(f"{one}_count") for one in ("track", "artist", "album", "day")
    ]
    return declared(with_period(distinct.groupBy("slice", "user_id").agg(*of_tracks, *counts)), LISTENER_PERIODS)
