"""Kafka → bronze: the next records of a topic, appended to the ledger exactly once.

The batch starts at the offsets found in the table, not at any offset a consumer has committed, and its commit is a
compare-and-set over those offsets. A topic that was made again, or whose next record has been deleted by retention,
stops with an error: guessing would hide a loss.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from infra import failpoints
from infra.delta_writer import DeltaWriter
from infra.kafka import records
from infra.kafka.connection import client_properties
from infra.kafka.offsets import offset_bounds
from infra.kafka.records import KafkaRecords, OffsetRange, range_options
from infra.kafka.topics import topic_id
from infra.lake import Lake
from infra.local.stack import Endpoints
from infra.settings import Settings
from schemas.bronze import PLAYBACK_EVENTS
from schemas.errors import ContractError

BATCH_RECORDS = 4_000_000
"""Records of one commit at most; a longer backlog takes several."""


@dataclass(frozen=True)
class Topic:
    """A topic to ingest: its name, Kafka's id of it, and the librdkafka settings to read it with."""

    name: str
    topic_id: str
    consumer: dict[str, str]


def playback_topic(settings: Settings, endpoints: Endpoints) -> Topic:
    """The topic of playback events as it is now; raises MissingInputError when nothing was ever sent."""
    name, bootstrap = settings.playback_topic, endpoints.kafka_bootstrap
    return Topic(name, topic_id(settings, bootstrap, name), client_properties(settings, bootstrap))


def ingest(
    session: SparkSession, lake: Lake, topic: Topic, on_commit: Callable[[list[OffsetRange]], None] | None = None
) -> int:
    """Append every record the topic has at this moment and the ledger has not; returns how many offsets that spans.

    `on_commit` is told the offsets of each commit.

    Raises ContractError when the topic was made again or records were deleted unread, SupersededError when another
    ingest committed first, StoreUnavailableError when Kafka does not answer.
    """
    lake.create(PLAYBACK_EVENTS)
    session.dataSource.register(KafkaRecords)
    writer = DeltaWriter(session, lake)
    total = 0
    bounds = offset_bounds(topic.consumer, topic.name)
    # Offsets that hold no record (a transaction's marker, what compaction left out) never appear in the ledger.
    read: dict[int, int] = {}
    while True:
        version = lake.version(PLAYBACK_EVENTS) or 0
        ranges = _next_ranges(topic, bounds, _ledger_ends(session, lake, topic, version), read)
        if not ranges:
            return total
        starts = {one.partition: one.start for one in ranges}
        failpoints.reach("ingest.planned", PLAYBACK_EVENTS.full_name)
        writer.append_ledger(PLAYBACK_EVENTS, _batch(session, topic, ranges), topic.topic_id, starts, version)
        failpoints.reach("ingest.committed", PLAYBACK_EVENTS.full_name)
        if on_commit:
            on_commit(ranges)
        read |= {one.partition: one.end for one in ranges}
        total += sum(one.end - one.start for one in ranges)


def _batch(session: SparkSession, topic: Topic, ranges: list[OffsetRange]) -> DataFrame:
    options = range_options(topic.name, ranges, topic.consumer)
    read = session.read.format(records.FORMAT).options(**options).load()
    known = {
        "topic_id": F.lit(topic.topic_id),
        "topic": F.lit(topic.name),
        "appended_at": F.timestamp_micros("appended_us"),
        "ingested_at": F.lit(datetime.now(UTC)).cast("timestamp"),
    }
    return read.select(*(known.get(one.name, F.col(one.name)).alias(one.name) for one in PLAYBACK_EVENTS.fields))


def _ledger_ends(session: SparkSession, lake: Lake, topic: Topic, version: int) -> dict[int, int]:
    """Partition → offset after the last one in the ledger."""
    ledger = session.read.format("delta").option("versionAsOf", version).load(str(lake.path(PLAYBACK_EVENTS)))
    other = ledger.where((F.col("topic") == topic.name) & (F.col("topic_id") != topic.topic_id)).limit(1).count()
    if other:
        raise ContractError(
            f"The topic {topic.name} was deleted and made again since the last run, its offsets mean other records: "
            "use another topic name (TONEARM_PLAYBACK_TOPIC) or another TONEARM_HOME."
        )
    own = ledger.where(F.col("topic_id") == topic.topic_id)
    rows = own.groupBy("partition").agg(F.max("offset").alias("last")).collect()
    return {row["partition"]: row["last"] + 1 for row in rows}


def _next_ranges(
    topic: Topic, bounds: dict[int, tuple[int, int]], ends: dict[int, int], read: dict[int, int]
) -> list[OffsetRange]:
    """What to read next of each partition, at most `BATCH_RECORDS` in all; `read` is what this ingest has behind it."""
    ranges = []
    share = BATCH_RECORDS // max(len(bounds), 1)
    for partition, (earliest, latest) in bounds.items():
        start = ends.get(partition, earliest)
        if partition in ends and earliest > start:
            raise ContractError(
                f"Kafka deleted offsets {start} to {earliest - 1} of {topic.name}/{partition} before they were "
                "ingested: they are lost; raise the retention and start over with another TONEARM_HOME."
            )
        if partition not in ends and earliest > 0:
            raise ContractError(
                f"{topic.name}/{partition} starts at offset {earliest}: earlier records were deleted unread; "
                "start with a topic whose records are all there."
            )
        if start > latest:
            raise ContractError(
                f"The ledger is ahead of {topic.name}/{partition} ({start} > {latest}): the broker lost records."
            )
        start = max(start, read.get(partition, 0))
        if start < latest:
            ranges.append(OffsetRange(partition, start, min(latest, start + share)))
    return ranges
