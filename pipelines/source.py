"""The topic as an unbounded source: one reader owns all partitions and hands out batches in the order of the log.

One reader, because Prism 2.77 keeps only the last bundle's watermark of a stage: with a restriction for each partition
it closed windows over a partition's backlog. Here no window depends on the watermark; it is for whoever watches.
Several readers would be no faster: runners read the restrictions of a stage in turn (ADR 0031).

Beam's ReadFromKafka is a Java program beside the pipeline, and commits offsets that nothing here trusts. How far a
restriction is read is a definite number of Beam's own tracker; NaN would fail a bundle on Prism now and then.
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import apache_beam as beam
import pyarrow as pa
from apache_beam.coders import Coder, PickleCoder
from apache_beam.io.unbounded_source import CheckpointMark, ReadFromUnboundedSource, UnboundedReader, UnboundedSource
from apache_beam.pvalue import PCollection
from apache_beam.utils.timestamp import MIN_TIMESTAMP, Timestamp

from infra.kafka.append_times import Cut
from pipelines.log_process import LogProcess
from pipelines.ordered_log import Part, Reading
from pipelines.transforms.elements import Batch, PickledCoder, in_memory
from pipelines.transforms.failures import telling

UNKNOWN_CLIENT = "unknown"
"""The balance by client is the batch run's."""
NOTICEABLE_US = 1_000_000
"""How wrongly a record has to be stamped for a word about it: each is seen some moments later."""
_POLL_SECONDS = 0.1
_BUNDLE_RECORDS, _BUNDLE_SECONDS = 8, 2.0
_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True)
class Mark(CheckpointMark):
    """Where to go on: the next offset of each partition, and the number of the next batch."""

    offsets: dict[int, int]
    number: int
    passed_us: int


@dataclass(frozen=True)
class PlaybackLog(UnboundedSource):
    """The playback topic from `offsets` on; `ends` are its ends at the start, and when they are read it has caught up.

    `cut` is how far the life before has come, and `run` the name of this one.
    `consumer` are librdkafka's properties, which may hold a password: the runner and the reading process get them.
    """

    topic: str
    topic_id: str
    offsets: dict[int, int]
    ends: dict[int, int]
    consumer: dict[str, str] = field(repr=False)
    cut: Cut = field(default_factory=Cut)
    run: str = ""
    batch_records: int = 20_000
    tick_seconds: float = 0.5
    clock_difference_us: int = 1_000_000

    def split(self, desired_num_splits: int, options: Any = None) -> Iterable["PlaybackLog"]:
        """Itself: one reader that owns all partitions."""
        return [self]

    def reading(self, offsets: dict[int, int], passed_us: int) -> Reading:
        """What is to be read from there on."""
        asked = (self.cut, self.clock_difference_us, self.batch_records, self.tick_seconds)
        return Reading(self.topic, self.consumer, offsets, passed_us, *asked)

    def create_reader(self, options: Any, checkpoint_mark: CheckpointMark | None) -> "LogBatches":
        """A reader from the mark on, or from the start; one a process, the one before is closed.

        Some runners (Flink) ask for one again and again and leave those before open, each with its connections.
        """
        assert checkpoint_mark is None or isinstance(checkpoint_mark, Mark)
        readers = in_memory(self.run, "source.readers", list[LogBatches])
        if checkpoint_mark and not readers:
            # What was counted up to the mark was in the memory of another process, and would be waited for for ever.
            raise RuntimeError("The process that counted is gone: end this job, and start another life.")
        before = readers.pop() if readers else None
        readers.append(LogBatches(self, checkpoint_mark or Mark(self.offsets, 0, 0), before))
        return readers[0]

    def get_checkpoint_mark_coder(self) -> Coder:
        """Marks are pickled."""
        return PickleCoder()

    def default_output_coder(self) -> Coder:
        """The coder of `Batch`."""
        return PickledCoder()


def read_log(source: PlaybackLog) -> "beam.PTransform[Any, PCollection[Batch]]":
    """The batches of a log, a few in a bundle.

    Their type is said: elements of no known type Beam encodes now and then, to know their size.
    """
    read: beam.PTransform[Any, PCollection[Batch]] = ReadFromUnboundedSource(
        source, _POLL_SECONDS, max_records_per_bundle=_BUNDLE_RECORDS, max_read_time_seconds=_BUNDLE_SECONDS
    ).with_output_types(Batch)
    return read


class LogBatches(UnboundedReader):
    """Batches in the order (append time, partition, offset), and empty ones when only time passes.

    Where the reader `before` stands at the mark, this one goes on with its process, and so with what that has read: of
    a runner that asks for a reader a bundle none lives long enough for time to pass.
    """

    def __init__(self, source: PlaybackLog, mark: Mark, before: "LogBatches | None" = None) -> None:
        self._source = source
        self._mark = mark
        self._batch: Batch | None = None
        self._is_open = True
        if before and before.gives_up(mark):
            self._log: LogProcess = before._log
            self._is_warned: bool = before._is_warned
            return
        self._log = LogProcess(source.reading(mark.offsets, mark.passed_us))
        self._is_warned = False

    def start(self) -> bool:
        """The first batch."""
        return self.advance()

    def advance(self) -> bool:
        """Whether there is a next batch now."""
        with telling(self._source.run):
            return self._advance()

    def _advance(self) -> bool:
        assert self._is_open, "another reader goes on with the log"
        part = self._log.next(self._source.tick_seconds / 2)
        if part is None:
            return False
        self._warn(part)
        caught_up = all(part.offsets.get(partition, 0) >= end for partition, end in self._source.ends.items())
        rows = self._as_ledger(part.rows)
        self._batch = Batch(self._mark.number, part.passed_us, caught_up, rows, part.offsets, part.at_end)
        self._mark = Mark(part.offsets, self._mark.number + 1, part.passed_us)
        return True

    def _warn(self, part: Part) -> None:
        """Say once that a broker's clock is wrong: when what it stamps counts as appended, `LogReader.take` says."""
        if self._is_warned or max(part.overtaken_us, part.ahead_us) <= NOTICEABLE_US:
            return
        self._is_warned = True
        ahead = f"{part.ahead_us / 1e6:.1f} s later than it can have come"
        behind = f"{part.overtaken_us / 1e6:.1f} s earlier than what was read before"
        _LOGGER.warning(
            "A broker of %s has stamped a record %s: set its clock, or --clock_difference_ms to what its clock may "
            "differ.",
            self._source.topic,
            ahead if part.ahead_us > part.overtaken_us else behind,
        )

    def _as_ledger(self, rows: pa.RecordBatch) -> pa.RecordBatch:
        """The columns of the ledger that a verdict needs."""
        count = rows.num_rows
        columns: dict[str, pa.Array] = {name: rows[name] for name in rows.schema.names if name != "appended_us"}
        words = {"topic_id": self._source.topic_id, "topic": self._source.topic, "client_id": UNKNOWN_CLIENT}
        columns |= {name: pa.repeat(pa.scalar(word, pa.string()), count) for name, word in words.items()}
        # A header, of which live says nothing.
        columns["manifest_id"] = pa.nulls(count, pa.string())
        columns["appended_at"] = rows["appended_us"].cast(pa.timestamp("us", "UTC"))
        return pa.RecordBatch.from_pydict(columns)

    def get_current(self) -> Batch:
        """The batch."""
        assert self._batch is not None
        return self._batch

    def get_current_timestamp(self) -> Timestamp:
        """The time that the log is read up to.

        Not the earliest event's: that would hold the watermark back for whoever watches, and here no window asks it.
        """
        return self.get_watermark()

    def get_watermark(self) -> Timestamp:
        """The same: later batches have a later one."""
        return Timestamp(micros=self._mark.passed_us) if self._mark.passed_us else MIN_TIMESTAMP

    def get_checkpoint_mark(self) -> Mark:
        """Where a reader after this one goes on."""
        return self._mark

    def gives_up(self, mark: Mark) -> bool:
        """Whether a reader from that mark on may go on with the log; where this one stands elsewhere it is closed."""
        if self._is_open and self._mark == mark:
            self._is_open = False
            return True
        self.close()
        return False

    def close(self) -> None:
        """Leave the broker, unless another reader goes on with the log."""
        if self._is_open:
            self._is_open = False
            self._log.close()
