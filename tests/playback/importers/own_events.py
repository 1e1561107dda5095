"""One event of the platform's own as a line and as columns, and what the importers of both make of such."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from playback.importers import event_lines, event_parquet
from playback.importers.rows import Listener

WHOLE = "a" * 32
PSEUDONYM = "0123456789abcdef" * 2


def pseudonyms(names: Sequence[str]) -> list[str]:
    return [f"{name:f>32}" for name in names]


LISTENER = Listener(WHOLE, pseudonyms)
ROW: dict[str, Any] = {
    "source": "jukebox",
    "occurred_at": "2024-05-01T10:00:00Z",
    "track_title": "Harvest Moon",
    "content_type": "track",
    "ms_played": 243_047,
}
MOMENT = datetime(2024, 5, 1, 10, tzinfo=UTC)


def lines(tmp_path: Path, *rows: object) -> tuple[list[dict[str, Any]], list[bytes]]:
    path = tmp_path / "events.ndjson"
    path.write_bytes(b"".join((row if isinstance(row, bytes) else json.dumps(row).encode()) + b"\n" for row in rows))
    return taken(event_lines.read(path, LISTENER))


def parquet(tmp_path: Path, table: pa.Table) -> tuple[list[dict[str, Any]], list[bytes]]:
    path = tmp_path / "events.parquet"
    pq.write_table(table, path)
    return taken(event_parquet.read(path, LISTENER))


def taken(batches: Any) -> tuple[list[dict[str, Any]], list[bytes]]:
    listed = list(batches)
    for batch in listed:
        batch.events.validate(full=True)
    events = [event for batch in listed for event in batch.events.to_pylist()]
    return events, [reject for batch in listed for reject in batch.rejects]


def columns(**changed: object) -> pa.Table:
    known: dict[str, object] = ROW | {"occurred_at": MOMENT} | changed
    return pa.table({name: value if isinstance(value, pa.Array) else [value] for name, value in known.items()})
