"""Logs of a few messages, and what the key says of them."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from truth.answers import STATISTICS, write_answers

# written out: the key may rely on nothing but these names
LOG = pa.schema(
    {
        "message_number": pa.int64(),
        "event_id": pa.string(),
        "playback_id": pa.string(),
        "user_id": pa.string(),
        "install_id": pa.string(),
        "sequence": pa.int64(),
        "high_water": pa.int64(),
        "occurred_at": pa.timestamp("us", tz="UTC"),
        "utc_offset_minutes": pa.int32(),
        "country": pa.string(),
        "track_id": pa.string(),
        "artist_name": pa.string(),
        "track_title": pa.string(),
        "album_title": pa.string(),
        "content_type": pa.string(),
        "outcome": pa.string(),
        "ms_played": pa.int64(),
        "fault": pa.string(),
        "reason": pa.string(),
    }
)
CATALOGUE = pa.schema(
    {
        "row_number": pa.int64(),
        "track_id": pa.string(),
        "artist_name": pa.string(),
        "track_title": pa.string(),
        "album_title": pa.string(),
        "release_year": pa.int32(),
        "genres": pa.list_(pa.string()),
        "reason": pa.string(),
    }
)
NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
PLAYBACK = {
    "user_id": "ada",
    "install_id": "phone",
    "occurred_at": NOON,
    "country": "DE",
    "track_id": "uri:1",
    "artist_name": "Poolside",
    "track_title": "Harvest Moon",
    "album_title": "Pacific",
    "content_type": "track",
    "outcome": "play",
    "ms_played": 30_000,
}

Row = dict[str, Any]


@pytest.fixture
def answer(tmp_path: Path) -> Callable[..., list[Row]]:
    """A function: the rows of one answer to a log, whose rows are PLAYBACK but for what is given of each.

    `catalogue`: rows of the feed; without it there is none. They are numbered in the order given, as messages are, and
    those of each installation too, where the row itself does not say.
    """

    def answered(
        table: str, log: list[Row], replayed: tuple[str, ...] = (), catalogue: list[Row] | None = None
    ) -> list[Row]:
        sequences: dict[Any, int] = {}
        rows = []
        for number, given in enumerate(log):
            row = {"message_number": number} | ({} if "high_water" in given else PLAYBACK) | given
            if "high_water" not in given:
                sequence = sequences.get(row["install_id"], 0)
                row.setdefault("sequence", sequence)
                sequences[row["install_id"]] = sequence + 1
            rows.append(row)
        folder = tmp_path / "key [a]*=b"
        folder.mkdir(exist_ok=True)
        pq.write_table(pa.Table.from_pylist(rows, schema=LOG), folder / "log.parquet")
        if catalogue is not None:
            entries = [{"row_number": number} | row for number, row in enumerate(catalogue, start=1)]
            pq.write_table(pa.Table.from_pylist(entries, schema=CATALOGUE), folder / "catalogue.parquet")
        write_answers(folder, replayed, statistics=table in STATISTICS)
        return list(pq.read_table(folder / f"{table}.parquet").to_pylist())

    return answered
