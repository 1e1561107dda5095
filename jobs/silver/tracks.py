"""silver.tracks: which names were seen for each track, and when."""

from collections.abc import Iterable, Iterator

import pyarrow as pa
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from jobs.columns import declared
from playback.identity import album_ids, artist_ids, name_ids
from schemas.render.spark import spark_ddl
from schemas.silver import TRACKS

_NAMES = ("artist_name", "track_title", "album_title")


def transform(plays: DataFrame) -> DataFrame:
    """One row per track and spelling; the spelling seen last is current (ties: by name, so that it is one)."""
    known = plays.where((F.col("content_type") != "unknown") & F.col("track_id").isNotNull())
    spelled = known.select(
        "track_id", "content_type", "occurred_at", *(F.coalesce(name, F.lit("")).alias(name) for name in _NAMES)
    )
    seen = spelled.groupBy("track_id", *_NAMES).agg(
        # Of both, a track: it is counted as music, and has a name to show.
        F.max("content_type").alias("content_type"),
        F.min("occurred_at").alias("first_seen_at"),
        F.max("occurred_at").alias("last_seen_at"),
    )
    identified = seen.mapInArrow(_identified, spark_ddl(field for field in TRACKS.fields if field.name != "is_current"))
    latest = Window.partitionBy("track_id").orderBy(F.col("last_seen_at").desc(), *_NAMES)
    return declared(identified.withColumn("is_current", F.row_number().over(latest) == 1), TRACKS)


def _identified(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """With the identities of artist, album and name, in declared order."""
    for batch in batches:
        artist, title, album = (batch.column(name) for name in _NAMES)
        columns = dict(zip(batch.schema.names, batch.columns, strict=True))
        columns |= {"artist_id": artist_ids(artist), "album_id": album_ids(artist, album)}
        columns |= {"name_id": name_ids(artist, title)}
        yield pa.record_batch({field.name: columns[field.name] for field in TRACKS.fields if field.name in columns})
