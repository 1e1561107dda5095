"""Kafka records as a PySpark data source: one Arrow reader of offset ranges for both engines.

Bulk reading is librdkafka's (`confluent-kafka`); a Python client is ten times slower there. Times are handed over as
microseconds since 1970, because the engines disagree about the time zone of a timestamp that comes from Python.
"""

import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass

import pyarrow as pa
from confluent_kafka import Consumer, KafkaError, Message, TopicPartition
from pyspark.sql.datasource import DataSource, DataSourceReader, InputPartition
from pyspark.sql.pandas.types import from_arrow_schema
from pyspark.sql.types import StructType

from infra.kafka.connection import CLIENT_LOG, read_error
from infra.kafka.record_batches import RECORDS_SCHEMA, Records
from schemas.errors import StoreUnavailableError

FORMAT = "kafka_records"
_BATCH = 20_000
_BATCH_BYTES = 64 << 20
"""A batch ends early here: an Arrow array holds no more than 2 GiB, and 20,000 records can be ten times that."""
_TAKE = 100
"""Messages alive at once: with their headers fewer objects than make Python's garbage collector start to look."""
_WAIT_SECONDS = 0.2
_SILENCE_SECONDS = 30.0
_CONSUMER: dict[str, str | int | bool] = {
    "group.id": "tonearm-ingest",
    "enable.auto.commit": False,
    "enable.partition.eof": True,
    "auto.offset.reset": "error",
    "fetch.max.bytes": 16 << 20,
    # Packed, and all of it is unpacked at once, by which it can grow to 30,000 times its size. More is no faster.
    "fetch.message.max.bytes": 64 << 10,
    # Also how far a packed batch is unpacked. One that is larger unpacked would never be read, and nothing behind it.
    "receive.message.max.bytes": 2**31 - 1,
    "queued.max.messages.kbytes": 64 << 10,
    # A full queue is looked at again after this long; the client's own second is an idle second.
    "fetch.queue.backoff.ms": 10,
    "log_level": 0,
}


@dataclass(frozen=True)
class OffsetRange:
    """Offsets `start` (included) to `end` (excluded) of one partition."""

    partition: int
    start: int
    end: int


class KafkaRecords(DataSource):
    """Data source `kafka_records`; options: topic, ranges (JSON), consumer_secret (JSON).

    The last one is the librdkafka settings, which may hold a password: Spark redacts options with that word in plans.
    """

    @classmethod
    def name(cls) -> str:
        """Name to give to `spark.read.format`."""
        return FORMAT

    def schema(self) -> StructType:
        """Columns of one record; `appended_us` is the broker's append time in microseconds since 1970, UTC."""
        return from_arrow_schema(RECORDS_SCHEMA)

    def reader(self, schema: object) -> DataSourceReader:
        """Reader of the ranges that the options name."""
        return _Reader(dict(self.options))


class _Reader(DataSourceReader):
    def __init__(self, options: dict[str, str]) -> None:
        self._topic = options["topic"]
        self._ranges = [OffsetRange(**one) for one in json.loads(options["ranges"])]
        self._consumer = json.loads(options["consumer_secret"])

    def partitions(self) -> list[InputPartition]:
        return [InputPartition(one) for one in self._ranges]

    def read(self, partition: InputPartition) -> Iterator[pa.RecordBatch]:
        return read_range(self._topic, partition.value, self._consumer)


def range_options(topic: str, ranges: list[OffsetRange], consumer: dict[str, str]) -> dict[str, str]:
    """Options of the data source for these ranges."""
    return {
        "topic": topic,
        "ranges": json.dumps([asdict(one) for one in ranges]),
        "consumer_secret": json.dumps(consumer),
    }


def read_range(topic: str, offsets: OffsetRange, settings: dict[str, str]) -> Iterator[pa.RecordBatch]:
    """Yield the records of one range in order, in batches of `RECORDS_SCHEMA`.

    Offsets may have gaps (compaction, transaction markers). Raises StoreUnavailableError when the broker refuses the
    read or falls silent before the end of the range: a range is read to its end or not at all.
    """
    if offsets.start >= offsets.end:
        return
    consumer = Consumer({**_CONSUMER, **settings}, logger=CLIENT_LOG)
    try:
        consumer.assign([TopicPartition(topic, offsets.partition, offsets.start)])
        records = Records()
        next_offset, heard = offsets.start, time.monotonic()
        while next_offset < offsets.end:
            # Never more than is left: the client would wait for what the topic has not got yet.
            messages = consumer.consume(min(_TAKE, offsets.end - next_offset), timeout=_WAIT_SECONDS)
            if messages:
                heard = time.monotonic()
                next_offset = _take(messages, offsets, records, next_offset)
            elif time.monotonic() - heard > _SILENCE_SECONDS:
                raise StoreUnavailableError(
                    f"Kafka sent nothing of {topic}/{offsets.partition} for {_SILENCE_SECONDS:.0f} s: run again."
                )
            if len(records) >= _BATCH or records.size >= _BATCH_BYTES:
                yield records.batch(offsets.partition)
                records = Records()
        if len(records):
            yield records.batch(offsets.partition)
    finally:
        consumer.close()


def _take(messages: list[Message], offsets: OffsetRange, records: Records, next_offset: int) -> int:
    """Add those messages to `records` that lie in the range; returns the offset up to which it is read."""
    good = messages
    if any(message.error() is not None for message in messages):
        good = [message for message in messages if message.error() is None]
        # The topic's end, which lies past a gap when its last offsets are no records.
        next_offset = max(next_offset, *(_end_of_topic(one) for one in messages if one.error() is not None))
    if good:
        next_offset = max(next_offset, _offset(good[-1]) + 1)
        records.add(good if next_offset <= offsets.end else [one for one in good if _offset(one) < offsets.end])
    return next_offset


def _end_of_topic(message: Message) -> int:
    """The offset at which an error message says that the topic ends; every other error ends the read."""
    error = message.error()
    assert error is not None
    if error.code() != KafkaError._PARTITION_EOF:
        raise read_error(error)
    return _offset(message)


def _offset(message: Message) -> int:
    offset = message.offset()
    assert offset is not None
    return offset
