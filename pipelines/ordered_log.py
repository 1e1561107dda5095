"""The topic in the order (append time, partition, offset), part by part, without Beam."""

import time
from dataclasses import dataclass, field

import pyarrow as pa

from infra.kafka.append_times import Cut
from infra.kafka.log_reader import LogReader
from pipelines.transforms.log_time import in_log_order, passed_by_all


@dataclass(frozen=True)
class Reading:
    """What is to be read: from `offsets` on, where the log was read up to `passed_us` before.

    `consumer` are librdkafka's properties, which may hold a password. A part has about `batch_records` records; one
    without any comes every `tick_seconds` when only time passes.
    """

    topic: str
    consumer: dict[str, str] = field(repr=False)
    offsets: dict[int, int]
    passed_us: int
    cut: Cut
    clock_difference_us: int
    batch_records: int
    tick_seconds: float


@dataclass(frozen=True)
class Part:
    """Records that follow one another, of LOG_SCHEMA. All that were appended before `passed_us` are here or earlier.

    `offsets`: of each partition the one behind them. `at_end`: nothing more was there when they were read.
    `overtaken_us` and `ahead_us` as `LogReader` says them.
    """

    rows: pa.RecordBatch
    passed_us: int
    offsets: dict[int, int]
    at_end: bool
    overtaken_us: int
    ahead_us: int


class OrderedLog:
    """One reader of all partitions."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._log = LogReader(
            reading.consumer, reading.topic, reading.offsets, reading.clock_difference_us, reading.cut
        )
        self._offsets, self._passed_us = reading.offsets, reading.passed_us
        self._said = self._looked = time.monotonic()

    def next(self) -> Part | None:
        """The next part; None where there is none yet, half a tick later. Raises as `LogReader` does."""
        tick = self._reading.tick_seconds
        at_end = self._log.poll(tick / 2, self._reading.batch_records)
        self._log.find_partitions()
        now = time.monotonic()
        if now - self._looked >= tick / 2:
            self._log.find_ends()
            self._looked = now
        read_us = min(passed_by_all(self._log.last_read_us, self._log.at_end_us), self._log.partitions_known_us)
        passed_us = max(self._passed_us, read_us)
        rows, rest = in_log_order(self._log.take(self._passed_us), passed_us)
        self._log.hand_back(rest)
        if not rows.num_rows and (passed_us == self._passed_us or now - self._said < tick):
            return None
        self._said, self._passed_us = now, passed_us
        self._offsets = self._offsets | self._log.next_offsets
        # those of a partition follow one another, and its first one stands
        self._offsets |= {part["partition"][0].as_py(): part["offset"][0].as_py() for part in reversed(rest)}
        return Part(rows, passed_us, self._offsets, at_end, self._log.overtaken_us, self._log.ahead_us)
