"""Batches of records as the source hands them on, made of few words."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest

from pipelines.transforms.elements import Batch
from pipelines.transforms.live import Run
from playback.arrow import event_schema
from playback.wire import encode
from schemas.events import CURRENT
from schemas.model import Event

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
NOON_US = int(NOON.timestamp()) * 1_000_000
LISTENER = "0123456789abcdef" * 2
_GOOD = dict.fromkeys((one.name for one in CURRENT.fields), None) | {
    "source": "simulator",
    "user_id": LISTENER,
    "content_type": "track",
    "track_id": "t1",
    "country": "DE",
    "outcome": "play",
    "ms_played": 200_000,
}
_RECORD = pa.schema(
    [
        *((name, pa.string()) for name in ("topic_id", "topic", "client_id", "manifest_id")),
        ("partition", pa.int32()),
        ("offset", pa.int64()),
        ("sequence", pa.int64()),
        ("high_water", pa.int64()),
        ("appended_at", pa.timestamp("us", "UTC")),
        ("payload", pa.binary()),
    ]
)
_SAME = {"topic_id": "T", "topic": "playback-events", "client_id": "unknown", "manifest_id": None}


@dataclass
class Log:
    """A log of two partitions that tests append to; seconds count from noon."""

    batches: list[Batch] = field(default_factory=list)
    offsets: dict[int, int] = field(default_factory=dict)

    def record(self, payload: bytes | None, appended: float, partition: int = 0, **headers: Any) -> dict[str, Any]:
        offset = self.offsets[partition] = self.offsets.get(partition, -1) + 1
        where = {"partition": partition, "offset": offset, "appended_at": NOON + timedelta(seconds=appended)}
        return _SAME | {"sequence": None, "high_water": None} | where | {"payload": payload} | headers

    def event(self, event_id: str, ended: float, appended: float | None = None, partition: int = 0, **changes: Any):
        """A record of an event that ended and was appended so many seconds after noon."""
        payload = self.payload(event_id, ended, CURRENT, **changes)
        return self.record(payload, ended if appended is None else appended, partition)

    def payload(self, event_id: str, ended: float, version: Event, **changes: Any) -> bytes:
        """The event as a version writes it."""
        row = _GOOD | {"event_id": event_id, "occurred_at": NOON + timedelta(seconds=ended)} | changes
        written: bytes = encode(pa.RecordBatch.from_pylist([row], event_schema(version)), version)[0].as_py()
        return written

    def batch(self, *records: dict[str, Any], passed: float, caught_up: bool = True, at_end: bool = True) -> Batch:
        """The next batch; the log is read up to `passed` with it."""
        rows = pa.RecordBatch.from_pylist(list(records), _RECORD)
        made = Batch(len(self.batches), NOON_US + int(passed * 1_000_000), caught_up, rows, at_end=at_end)
        self.batches.append(made)
        return made


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def run() -> Callable[..., Run]:
    """A run of a name of its own that gives changes out with every batch."""
    return lambda **changes: Run(uuid.uuid4().hex, **{"flush_seconds": 0.0, **changes})
