"""Kafka records as a PySpark data source: one Arrow reader of offset ranges for both engines.

Bulk reading is librdkafka's (`confluent-kafka`); a Python client is ten times slower there. Times are handed over as
microseconds since 1970, because the engines disagree about the time zone of a timestamp that comes from Python.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass

import numpy as np
import pyarrow as pa
from confluent_kafka import Consumer, KafkaError, Message, TopicPartition
from pyspark.sql.datasource import DataSource, DataSourceReader, InputPartition
from pyspark.sql.pandas.types import from_arrow_schema
from pyspark.sql.types import StructType

from schemas.errors import StoreUnavailableError
from schemas.events import HEADER_INSTALL_ID, HEADER_MANIFEST_ID, HEADER_SEQUENCE

FORMAT = "kafka_records"
# Sail takes no nested type from DDL and compares the name of the list's field too; Apache Spark takes no Arrow schema.
_HEADER_TYPE = pa.list_(pa.field("element", pa.struct([pa.field("key", pa.string()), pa.field("value", pa.binary())])))
RECORDS_SCHEMA = pa.schema(
    [
        ("partition", pa.int32()),
        ("offset", pa.int64()),
        ("appended_us", pa.int64()),
        ("manifest_id", pa.string()),
        ("install_id", pa.string()),
        ("sequence", pa.int64()),
        ("key", pa.binary()),
        ("headers", _HEADER_TYPE),
        ("payload", pa.binary()),
    ]
)
_BATCH = 20_000
_WAIT_SECONDS = 0.5
_SILENCE_SECONDS = 30.0
_LONG_MAX = 2**63 - 1
_LONG_DIGITS = 19

Headers = list[tuple[str, bytes | None]] | None


@dataclass(frozen=True)
class OffsetRange:
    """Offsets `start` (included) to `end` (excluded) of one partition."""

    partition: int
    start: int
    end: int


class KafkaRecords(DataSource):
    """Data source `kafka_records`; options: topic, ranges (JSON), consumer (JSON of librdkafka settings)."""

    @classmethod
    def name(cls) -> str:
        """Name to give to `spark.read.format`."""
        return FORMAT

    def schema(self) -> StructType:
        """Columns of one record; `appended_us` is the broker's append time in microseconds since 1970, UTC."""
        return from_arrow_schema(RECORDS_SCHEMA)

    def reader(self, schema: object) -> DataSourceReader:  # noqa: ARG002 - the interface's signature
        """Reader of the ranges that the options name."""
        return _Reader(dict(self.options))


class _Reader(DataSourceReader):
    def __init__(self, options: dict[str, str]) -> None:
        self._topic = options["topic"]
        self._ranges = [OffsetRange(**one) for one in json.loads(options["ranges"])]
        self._consumer = json.loads(options["consumer"])

    def partitions(self) -> list[InputPartition]:
        return [InputPartition(one) for one in self._ranges]

    def read(self, partition: InputPartition) -> Iterator[pa.RecordBatch]:
        return read_range(self._topic, partition.value, self._consumer)


def range_options(topic: str, ranges: list[OffsetRange], consumer: dict[str, str]) -> dict[str, str]:
    """Options of the data source for these ranges."""
    return {"topic": topic, "ranges": json.dumps([asdict(one) for one in ranges]), "consumer": json.dumps(consumer)}


def read_range(topic: str, offsets: OffsetRange, settings: dict[str, str]) -> Iterator[pa.RecordBatch]:
    """Yield the records of one range in order, in batches of `RECORDS_SCHEMA`.

    Offsets may have gaps (compaction, transaction markers). Raises StoreUnavailableError when the broker falls silent
    before the end of the range.
    """
    consumer = Consumer(
        {
            "group.id": "tonearm-ingest",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "auto.offset.reset": "error",
            "fetch.max.bytes": 16 << 20,
            "fetch.message.max.bytes": 4 << 20,
            "queued.max.messages.kbytes": 64 << 10,
            **settings,
        }
    )
    try:
        consumer.assign([TopicPartition(topic, offsets.partition, offsets.start)])
        done, next_offset, silent = False, offsets.start, 0.0
        while not done:
            # No more than is left: the call waits for its whole number, or for the timeout.
            messages = consumer.consume(min(_BATCH, offsets.end - next_offset), timeout=_WAIT_SECONDS)
            silent = 0.0 if messages else silent + _WAIT_SECONDS
            if silent >= _SILENCE_SECONDS:
                raise StoreUnavailableError(
                    f"Kafka sent nothing of {topic}/{offsets.partition} for {_SILENCE_SECONDS:.0f} s: run again."
                )
            done, messages = _within(messages, offsets)
            if messages:
                next_offset = messages[-1].offset() + 1
                yield _batch(offsets.partition, messages)
    finally:
        consumer.close()


def _within(messages: list[Message], offsets: OffsetRange) -> tuple[bool, list[Message]]:
    """Whether the range is read to its end, and the records of `messages` that lie in it."""
    good = []
    done = False
    for message in messages:
        error = message.error()
        if error is None:
            if message.offset() < offsets.end:
                good.append(message)
            done = done or message.offset() >= offsets.end - 1
        elif error.code() == KafkaError._PARTITION_EOF:
            done = True
        elif error.fatal() or not error.retriable():
            raise StoreUnavailableError(f"Kafka refused the read: {error.str()}.")
    return done, good


def _batch(partition: int, messages: list[Message]) -> pa.RecordBatch:
    headers = [message.headers() for message in messages]
    count = len(messages)
    columns = [
        pa.array([partition] * count, pa.int32()),
        pa.array([message.offset() for message in messages], pa.int64()),
        pa.array([message.timestamp()[1] * 1000 for message in messages], pa.int64()),
        *_known_headers(headers),
        pa.array([message.key() for message in messages], pa.binary()),
        _header_array(headers),
        pa.array([message.value() for message in messages], pa.binary()),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=RECORDS_SCHEMA)


def _known_headers(headers: list[Headers]) -> list[pa.Array]:
    """The headers Tonearm knows, as columns; a value that is not what it should be is null (the raw one is kept)."""
    manifests: list[str | None] = []
    installs: list[str | None] = []
    sequences: list[int | None] = []
    for one in headers:
        named = dict(one) if one else {}
        manifests.append(_text(named.get(HEADER_MANIFEST_ID)))
        installs.append(_text(named.get(HEADER_INSTALL_ID)))
        sequences.append(_number(named.get(HEADER_SEQUENCE)))
    return [pa.array(manifests, pa.string()), pa.array(installs, pa.string()), pa.array(sequences, pa.int64())]


def _text(value: bytes | None) -> str | None:
    try:
        return None if value is None else value.decode()
    except UnicodeDecodeError:
        return None


def _number(value: bytes | None) -> int | None:
    if value is None or len(value) > _LONG_DIGITS or not value.isdigit():
        return None
    number = int(value)
    return number if number <= _LONG_MAX else None


def _header_array(headers: list[Headers]) -> pa.Array:
    """All headers as received, in order: list<struct<key, value>>, null where a record has none."""
    flat = [pair for one in headers if one for pair in one]
    pairs = pa.StructArray.from_arrays(
        [pa.array([key for key, _ in flat], pa.string()), pa.array([value for _, value in flat], pa.binary())],
        names=["key", "value"],
    )
    lengths = np.fromiter((len(one) if one else 0 for one in headers), np.int32, len(headers))
    ends = np.concatenate([np.zeros(1, np.int32), np.cumsum(lengths, dtype=np.int32)])
    missing = np.fromiter((not one for one in headers), np.bool_, len(headers))
    return pa.ListArray.from_arrays(pa.array(ends, pa.int32()), pairs, type=_HEADER_TYPE, mask=pa.array(missing))
