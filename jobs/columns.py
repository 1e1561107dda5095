"""Column expressions that several transforms need and that must mean the same on both engines."""

from collections.abc import Iterable, Iterator, Mapping
from functools import partial

import pyarrow as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from playback.classify import CLASSIFIED_FIELDS, classify
from playback.framing import WriterSchemas
from playback.wire import framed_ids
from schemas.model import Table
from schemas.render.spark import spark_ddl

_NAME = r"^[!-9;-~]{1,128}\z"
"""A name in a header that can be a key everywhere: visible characters of ASCII, no colon."""
_LARGEST_SEQUENCE = 2**31 - 1
"""No installation sends more; a larger number would make billions of others look lost."""


def classified(playback_events: DataFrame, schemas: Mapping[int, str | None] | None = None) -> DataFrame:
    """One verdict per ledger record but marks: what it says as silver has it, or the reason why it is no event.

    `schemas`: what the `schema_ids` of the records name; None: there is no schema registry.
    """
    needed = ("topic_id", "partition", "offset", "topic", "appended_at", "manifest_id")
    records = playback_events.where(~is_mark()).select(*needed, client_id().alias("client_id"), "payload")
    classify_batches = partial(_classify_batches, schemas=None if schemas is None else dict(schemas).get)
    return records.mapInArrow(classify_batches, spark_ddl(CLASSIFIED_FIELDS))


def schema_ids(playback_events: DataFrame) -> DataFrame:
    """The distinct ids of a schema registry in the payloads, as `schema_id`."""
    return playback_events.select("payload").mapInArrow(_framed_ids, "schema_id bigint").distinct()


def is_mark() -> Column:
    """Whether a ledger record is an installation's high-water mark, which is no event and has no verdict."""
    return F.col("high_water").isNotNull() & F.col("sequence").isNull() & F.col("payload").isNull()


def is_counted_by_client() -> Column:
    """Whether the headers of a ledger record say which installation sent it, and as which number."""
    known = F.col("install_id").rlike(_NAME) & F.col("sequence").between(0, _LARGEST_SEQUENCE)
    return F.coalesce(known, F.lit(False))


def marked_numbers() -> Column:
    """How many numbers a mark says its installation has used; null where its headers cannot be believed."""
    known = F.col("install_id").rlike(_NAME) & F.col("high_water").between(0, _LARGEST_SEQUENCE + 1)
    return F.when(known, F.col("high_water"))


def client_id() -> Column:
    """`CLIENT_ID` of a ledger record."""
    announced = F.when(F.col("manifest_id").rlike(_NAME), F.concat(F.lit("manifest:"), "manifest_id"))
    return F.when(is_counted_by_client(), F.col("install_id")).otherwise(F.coalesce(announced, F.lit("unknown")))


def declared(rows: DataFrame, table: Table) -> DataFrame:
    """The declared columns of `table`, in order: the schema contract at the end of a transform."""
    return rows.select(*(field.name for field in table.fields))


def counted_once(plays: DataFrame, merged_plays: DataFrame) -> DataFrame:
    """The plays without those that `silver.merged_plays` says are told by another one too; columns as they are."""
    told_again = merged_plays.select("event_date", "event_id")
    return plays.join(told_again, on=["event_date", "event_id"], how="left_anti").select(*plays.columns)


def exact_sum(value: Column) -> Column:
    """Sum of a bigint column that fails instead of wrapping past the bigint range (one engine would wrap silently)."""
    return F.sum(value.cast("decimal(38,0)")).cast("bigint")


def count_where(condition: Column) -> Column:
    """How many rows of the group meet the condition; null counts as no."""
    return F.count(F.when(condition, True))


def _classify_batches(batches: Iterable[pa.RecordBatch], schemas: WriterSchemas | None) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        yield classify(batch, schemas)


def _framed_ids(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        yield pa.record_batch({"schema_id": pa.array(framed_ids(batch.column("payload")), pa.int64())})
