"""silver.tracks: which names were seen for each track, and when."""

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from jobs.columns import declared
from schemas.silver import TRACKS

_NAMES = ("artist_name", "track_title", "album_title")


def transform(plays: DataFrame) -> DataFrame:
    """One row per track and spelling; the spelling seen last is current (ties: by name, so that it is one)."""
    known = plays.where((F.col("content_type") != "unknown") & F.col("track_id").isNotNull())
    spelled = known.select(
        "track_id", "content_type", "occurred_at", *(F.coalesce(name, F.lit("")).alias(name) for name in _NAMES)
    )
    seen = spelled.groupBy("track_id", *_NAMES).agg(
        F.min("content_type").alias("content_type"),
        F.min("occurred_at").alias("first_seen_at"),
        F.max("occurred_at").alias("last_seen_at"),
    )
    latest = Window.partitionBy("track_id").orderBy(F.col("last_seen_at").desc(), *_NAMES)
    return declared(seen.withColumn("is_current", F.row_number().over(latest) == 1), TRACKS)
