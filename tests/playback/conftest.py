"""One valid event that tests change, and the records it arrives in."""

from collections.abc import Callable
from datetime import UTC, datetime

import pyarrow as pa
import pytest

from playback.arrow import event_schema
from playback.wire import encode
from schemas.events import CURRENT

APPENDED_AT = datetime(2024, 5, 2, 12, tzinfo=UTC)

GOOD = dict.fromkeys((field.name for field in CURRENT.fields), None) | {
    "event_id": "e-1",
    "source": "simulator",
    "user_id": "0123456789abcdef" * 2,
    "occurred_at": datetime(2024, 5, 2, 10, 30, 0, 5, tzinfo=UTC),
    "track_id": "spotify:track:1",
    "track_title": "Blue",
    "artist_name": "Ana",
    "content_type": "track",
    "country": "DE",
    "outcome": "play",
    "ms_played": 30_000,
}


@pytest.fixture
def event() -> Callable[..., dict[str, object]]:
    """A valid event with some fields changed."""
    return lambda **changes: GOOD | changes


@pytest.fixture
def payload(event: Callable[..., dict[str, object]]) -> Callable[..., bytes]:
    """The Avro payload of a valid event with some fields changed."""

    def encoded(**changes: object) -> bytes:
        batch = pa.RecordBatch.from_pylist([event(**changes)], schema=event_schema(CURRENT))
        value: bytes = encode(batch)[0].as_py()
        return value

    return encoded


@pytest.fixture
def records() -> Callable[[list[bytes | None]], pa.RecordBatch]:
    """Records of the ledger with these payloads, at offsets 0, 1, …"""

    def arrived(payloads: list[bytes | None]) -> pa.RecordBatch:
        count = len(payloads)
        return pa.record_batch(
            {
                "topic_id": pa.array(["T"] * count, pa.string()),
                "partition": pa.array([3] * count, pa.int32()),
                "offset": pa.array(range(count), pa.int64()),
                "client_id": pa.array(["unknown"] * count, pa.string()),
                "topic": pa.array(["playback-events"] * count, pa.string()),
                "appended_at": pa.array([APPENDED_AT] * count, pa.timestamp("us", "UTC")),
                "manifest_id": pa.array(["m-1"] * count, pa.string()),
                "payload": pa.array(payloads, pa.binary()),
            }
        )

    return arrived
