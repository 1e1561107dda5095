"""Column expressions that several transforms need and that must mean the same on both engines."""

from collections.abc import Iterable, Iterator

import pyarrow as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from playback.classify import CLASSIFIED_FIELDS, classify
from schemas.model import Table
from schemas.render.spark import spark_ddl


def classified(playback_events: DataFrame) -> DataFrame:
    """One verdict per ledger record: what it says as silver has it, or the reason why it is no event."""
    needed = ("topic_id", "partition", "offset", "topic", "appended_at", "manifest_id", "payload")
    return playback_events.select(*needed).mapInArrow(_classify_batches, spark_ddl(CLASSIFIED_FIELDS))


def declared(rows: DataFrame, table: Table) -> DataFrame:
    """The declared columns of `table`, in order: the schema contract at the end of a transform."""
    return rows.select(*(field.name for field in table.fields))


def exact_sum(value: Column) -> Column:
    """Sum of a bigint column that fails instead of wrapping past the bigint range (one engine would wrap silently)."""
    return F.sum(value.cast("decimal(38,0)")).cast("bigint")


def count_where(condition: Column) -> Column:
    """How many rows of the group meet the condition; null counts as no."""
    return F.count(F.when(condition, True))


def _classify_batches(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        yield classify(batch)
