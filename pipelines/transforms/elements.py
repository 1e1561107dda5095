"""What flows through the live pipeline: batches of records in the order of the log, and changes of live tables.

One element is a batch, never one event: per-element cost would be twenty times the cost of the work itself.
Elements carry their number and the log's time. So nothing depends on the runner's watermark, on its order of elements
or on its state; on Prism 2.77 none of the three can be relied on.
"""

import pickle
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

import pyarrow as pa
from apache_beam.coders import Coder
from apache_beam.coders.typecoders import registry


@dataclass(frozen=True)
class Batch:
    """Records that follow one another in the log.

    `number` counts batches from 0. All records appended before `passed_us` (microseconds since 1970, UTC) are in this
    batch or an earlier one, of every partition. `caught_up`: all that was on the topic at the start has been read.
    `rows` are in the order (append time, partition, offset); what columns they have, each transform says.
    """

    number: int
    passed_us: int
    caught_up: bool
    rows: pa.RecordBatch
    offsets: dict[int, int] = field(default_factory=dict)
    """Of each partition the offset behind these records."""
    at_end: bool = True
    """Nothing more was there to be read when this was read."""

    @property
    def nbytes(self) -> int:
        """Bytes of the records."""
        size: int = self.rows.nbytes
        return size


@dataclass(frozen=True)
class Changes:
    """Absolute rows of live tables by full name, and what is safe to forget once they are written.

    Every window that starts before `marker_us` is closed with these changes and never changes again.
    """

    number: int
    passed_us: int
    marker_us: int
    rows: dict[str, pa.Table] = field(default_factory=dict)
    gone: dict[str, pa.Table] = field(default_factory=dict)
    """Keys of rows that are no more."""
    caught_up: bool = True
    offsets: dict[int, int] = field(default_factory=dict)
    records: int = 0
    """Records since the changes before; `dead_letters` of them are no events."""
    dead_letters: int = 0

    @property
    def nbytes(self) -> int:
        """Bytes of the rows."""
        return sum(table.nbytes for table in self.rows.values())


class Numbered(Protocol):
    """An element that has its place in a sequence from 0."""

    @property
    def number(self) -> int:
        """The place."""


T = TypeVar("T", bound=Numbered)
S = TypeVar("S")


class InOrder(Generic[T]):
    """Hands elements on in the order of their numbers, whatever order a runner delivers them in.

    Hold `lock` while using what comes out. A number that was handed on already raises RuntimeError: a runner that
    repeats a bundle would count it twice, so the pipeline has to start again from its marker instead.
    """

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self._waiting: dict[int, T] = {}
        self._next = 0

    def put(self, element: T) -> Iterator[T]:
        """Yield the elements that are next now."""
        if element.number < self._next or element.number in self._waiting:
            raise RuntimeError(f"The runner delivered element {element.number} twice.")
        self._waiting[element.number] = element
        while self._next in self._waiting:
            self._next += 1
            yield self._waiting.pop(self._next - 1)


_STATES: dict[tuple[str, str], Any] = {}
_STATES_LOCK = threading.Lock()


def in_memory(run: str, name: str, make: Callable[[], S]) -> S:
    """The state of that name of a run, one a process: DoFns come and go with bundles, and replay rebuilds it."""
    with _STATES_LOCK:
        if (run, name) not in _STATES:
            _STATES[run, name] = make()
        state: S = _STATES[run, name]
        return state


class PickledCoder(Coder):
    """Elements as pickles; Arrow's buffers are copied once."""

    def encode(self, value: Any) -> bytes:
        """The element as bytes."""
        return pickle.dumps(value, protocol=5)

    def decode(self, encoded: bytes) -> Any:
        """The element again; only ever given what this pipeline encoded."""
        return pickle.loads(encoded)  # noqa: S301

    def estimate_size(self, value: Any) -> int:
        """About as many bytes as it would be encoded in; Beam's own way to know is to encode it."""
        size: int = value.nbytes
        return size

    def is_deterministic(self) -> bool:
        """No: never a key."""
        return False


for _element in (Batch, Changes):
    registry.register_coder(_element, PickledCoder)
