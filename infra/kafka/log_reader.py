"""Reads all partitions of a topic without end, and knows how far in the log each one has been read."""

import time
from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from infra.kafka.append_times import Cut, log_times
from infra.kafka.connection import CLIENT_LOG, is_refusal, read_error
from infra.kafka.record_batches import RECORDS_SCHEMA, Records
from schemas.errors import MissingInputError

_LOOK_SECONDS = 2.0
"""How long a look at the ends or the partitions may take; the next one comes soon."""
_TAKE = 100
"""Messages alive at once, see `infra.kafka.records`."""
_WAIT_SECONDS = 0.05
_MOST_WAITING = 60_000
"""Records of one partition that may wait for others that are behind; then it is not read on."""
_CONSUMER: dict[str, str | int | bool] = {
    # Asked for by the client; nothing is committed under it or asked of it, so that no coordinator has to be there.
    "group.id": "tonearm-live",
    "enable.auto.commit": False,
    "enable.auto.offset.store": False,
    "auto.offset.reset": "error",
    "enable.partition.eof": True,
    "fetch.wait.max.ms": 50,
    "fetch.max.bytes": 16 << 20,
    # Packed, and all of it is unpacked at once; see `infra.kafka.records`.
    "fetch.message.max.bytes": 1 << 20,
    "receive.message.max.bytes": 2**31 - 1,
    "queued.max.messages.kbytes": 64 << 10,
    "fetch.queue.backoff.ms": 10,
    "log_level": 0,
}
_NO_CUT = Cut()
LOG_SCHEMA = pa.schema(
    RECORDS_SCHEMA.field(name) for name in ("partition", "offset", "appended_us", "sequence", "high_water", "payload")
)
"""What is read of a record here, `sequence` and `high_water` where it has no payload: all else is the ledger's."""


def _without_headers() -> Records:
    return Records(is_whole=False)


@dataclass
class _Partition:
    """How far one partition has been read; times in microseconds since 1970, UTC."""

    next_offset: int
    last_read_us: int = 0
    last_taken_us: int = 0
    at_end_us: int = 0
    records: Records = field(default_factory=_without_headers)
    batches: list[pa.RecordBatch] = field(default_factory=list)
    is_paused: bool = False

    @property
    def waiting(self) -> int:
        return len(self.records) + sum(len(batch) for batch in self.batches)


class LogReader:
    """All partitions of one topic from given offsets on.

    `clock_difference_us` is how far the brokers' clocks may differ from this machine's and from each other: what is
    found read to its end now cannot get a record that is older than now minus that, and neither can a partition that is
    found not to exist. `cut` is how far an earlier reader has come.
    """

    def __init__(
        self,
        properties: dict[str, str],
        topic: str,
        offsets: dict[int, int],
        clock_difference_us: int = 1_000_000,
        cut: Cut = _NO_CUT,
    ) -> None:
        self._topic = topic
        self._cut = cut
        self._consumer = Consumer({**_CONSUMER, **properties}, logger=CLIENT_LOG)
        # A connection of its own: the broker answers in turn, and reading waits there for records.
        self._asker = Consumer({**_CONSUMER, **properties}, logger=CLIENT_LOG)
        self._clock_difference_us = clock_difference_us
        self._has_one_broker = False
        self.partitions_known_us = 0
        """A time at which the partitions that are read were all there were."""
        self.overtaken_us = 0
        """By how much at most a record was stamped earlier than it should be, see `take`."""
        self.ahead_us = 0
        """By how much at most a record was stamped later than it counts as appended, see `take`."""
        self._partitions = {partition: _Partition(offset) for partition, offset in offsets.items()}
        self._consumer.assign([TopicPartition(topic, *one) for one in offsets.items()])

    @property
    def last_read_us(self) -> dict[int, int]:
        """Append time of the last record that was read of each partition, 0 where none was."""
        return {number: one.last_read_us for number, one in self._partitions.items()}

    @property
    def at_end_us(self) -> dict[int, int]:
        """A time at which each partition was found read to its end, 0 where it never was."""
        return {number: one.at_end_us for number, one in self._partitions.items()}

    @property
    def next_offsets(self) -> dict[int, int]:
        """The offset behind the last record that was read of each partition, gaps included."""
        return {number: one.next_offset for number, one in self._partitions.items()}

    def poll(self, seconds: float, limit: int) -> bool:
        """Read for at most so long, or until so many records have come; whether fewer came.

        In the time that is usual here, so few say that there was nothing left to read.

        Raises StoreUnavailableError when the broker refuses the read, ConfigurationError when it refuses the user.
        """
        deadline, read = time.monotonic() + seconds, 0
        while read < limit and time.monotonic() < deadline:
            messages = self._consumer.consume(_TAKE, timeout=_WAIT_SECONDS)
            self._take(messages)
            read += len(messages)
            if not messages:
                break
        self._pause_those_ahead()
        return read < limit

    def find_ends(self) -> None:
        """Ask for each partition that was read to its last record whether that is still its end.

        Every answer says of the time before it was asked for: what is appended later is not older.
        """
        for number, one in self._partitions.items():
            asked_us = self._passed_us()
            try:
                _, end = self._asker.get_watermark_offsets(TopicPartition(self._topic, number), _LOOK_SECONDS)
            except KafkaException:
                return  # a broker that is away tells nothing, and stops nothing
            if one.next_offset >= end:
                one.at_end_us = max(one.at_end_us, asked_us)

    def find_partitions(self) -> None:
        """Read partitions that were added to the topic too, from their first record on.

        Until it is known that there are no others, nothing is passed (`partitions_known_us`): a record of a partition
        that nobody has heard of yet may be older than what is read of the others. Raises MissingInputError when the
        topic is gone, ConfigurationError when it may not be read.
        """
        asked_us = self._passed_us()
        try:
            found = self._asker.list_topics(self._topic, timeout=_LOOK_SECONDS)
        except KafkaException:
            return
        described = found.topics[self._topic]
        if described.error is not None and described.error.code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
            raise MissingInputError(f"The topic {self._topic} is gone: send to it, which makes it, or name another.")
        if described.error is not None:
            if is_refusal(described.error):
                raise read_error(described.error)
            return
        added = sorted(set(described.partitions) - set(self._partitions))
        for number in added:
            self._partitions[number] = _Partition(0)
        if added:
            self._consumer.incremental_assign([TopicPartition(self._topic, number, 0) for number in added])
        self._has_one_broker = len(found.brokers) == 1
        self.partitions_known_us = max(self.partitions_known_us, asked_us)

    def _passed_us(self) -> int:
        """A time before which no broker appends any more; on the only broker that of the last record is one."""
        newest = max((one.last_read_us for one in self._partitions.values()), default=0)
        return max(newest if self._has_one_broker else 0, time.time_ns() // 1_000 - self._clock_difference_us)

    def _ceiling_us(self) -> int:
        """The latest time that a broker whose clock is right can have stamped until now."""
        return time.time_ns() // 1_000 + self._clock_difference_us

    def take(self, passed_us: int = 0) -> list[pa.RecordBatch]:
        """All records that were read and not handed back, as batches of LOG_SCHEMA with the partitions' order.

        What a broker with a wrong clock has stamped earlier than `passed_us` counts as appended then, since readers
        were told that all before was read; the same goes for the record before and for the cut. What was stamped past
        this machine's time, by more than clocks may differ, counts as appended with the record before.
        """
        taken: list[pa.RecordBatch] = []
        for number, one in self._partitions.items():
            if len(one.records):
                one.last_taken_us = max(one.last_taken_us, passed_us)
                one.batches.append(self._in_time(one, one.records.batch(number, LOG_SCHEMA)))
                one.records = _without_headers()
            taken += one.batches
            one.batches = []
        return taken or [_NOTHING]

    def hand_back(self, rest: list[pa.RecordBatch]) -> None:
        """Records of `take` that are not used yet, each batch of one partition; the next `take` has them first."""
        for batch in reversed(rest):
            self._partitions[batch["partition"][0].as_py()].batches.insert(0, batch)

    def close(self) -> None:
        """Leave the broker."""
        self._consumer.close()
        self._asker.close()

    def _in_time(self, one: _Partition, batch: pa.RecordBatch) -> pa.RecordBatch:
        own = batch["appended_us"].to_numpy()
        unread_from = self._cut.offsets.get(batch["partition"][0].as_py(), 0)
        floors = (one.last_taken_us, unread_from, self._cut.passed_us)
        times = log_times(batch["offset"].to_numpy(), own, self._ceiling_us(), *floors)
        one.last_taken_us = int(times[-1])
        if np.array_equal(times, own):
            return batch
        self.overtaken_us = max(self.overtaken_us, int((times - own).max()))
        self.ahead_us = max(self.ahead_us, int((own - times).max()))
        return batch.set_column(batch.schema.get_field_index("appended_us"), "appended_us", pa.array(times))

    def _take(self, messages: list[Message]) -> None:
        by_partition: dict[int, list[Message]] = defaultdict(list)
        for message in messages:
            partition = message.partition()
            assert partition is not None
            error = message.error()
            if error is None:
                by_partition[partition].append(message)
            elif error.code() == KafkaError._PARTITION_EOF:
                # The end lies past a gap where the last offsets are no records.
                end = message.offset()
                one = self._partitions[partition]
                one.next_offset = max(one.next_offset, end or 0)
            elif not error.retriable():
                raise read_error(error)
        for partition, found in by_partition.items():
            one = self._partitions[partition]
            one.records.add(found)
            last = found[-1].offset()
            assert last is not None
            one.next_offset = last + 1
            appended_us = one.records.appended_ms[-1] * 1_000
            if appended_us <= self._ceiling_us():
                one.last_read_us = max(one.last_read_us, appended_us)

    def _pause_those_ahead(self) -> None:
        for number, one in self._partitions.items():
            if (one.waiting > _MOST_WAITING) != one.is_paused:
                one.is_paused = not one.is_paused
                change = self._consumer.pause if one.is_paused else self._consumer.resume
                change([TopicPartition(self._topic, number)])


_NOTHING = pa.RecordBatch.from_pylist([], schema=LOG_SCHEMA)
