"""silver.catalogue_entries: what the feed of the catalogue says of each track and artist."""

from collections.abc import Iterable, Iterator

import pyarrow as pa
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from jobs.columns import declared
from playback.catalogue_entries import identified
from schemas.music_catalogue import CATALOGUE_ENTRIES
from schemas.render.spark import spark_ddl


def transform(catalogue_rows: DataFrame) -> DataFrame:
    """Of several rows of one track or artist the last one; refused rows say nothing."""
    good = catalogue_rows.where(F.col("reason").isNull())
    entries = good.mapInArrow(_identified, spark_ddl(CATALOGUE_ENTRIES.fields))
    last = Window.partitionBy(*CATALOGUE_ENTRIES.key).orderBy(F.col("row_number").desc())
    return declared(
        entries.withColumn("_rank", F.row_number().over(last)).where(F.col("_rank") == 1), CATALOGUE_ENTRIES
    )


def _identified(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        yield identified(batch)
