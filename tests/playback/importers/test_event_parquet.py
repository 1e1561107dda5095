"""The platform's own events from elsewhere as Parquet, literally."""

import json
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from playback.importers import event_parquet
from playback.importers.exports import find_exports
from schemas.errors import InputError
from tests.playback.importers.own_events import LISTENER, MOMENT, PSEUDONYM, ROW, columns, lines, parquet


def test_parquet_says_the_same_as_lines(tmp_path: Path) -> None:
    (from_line,), _ = lines(tmp_path, ROW)
    (from_parquet,), _ = parquet(tmp_path, columns(shoe_size=44))
    assert from_parquet == from_line


@pytest.mark.parametrize(
    "occurred_at",
    [
        pa.array([MOMENT], pa.timestamp("s", "UTC")),
        pa.array([MOMENT], pa.timestamp("ns", "UTC")),
        pa.array([MOMENT.replace(tzinfo=None)], pa.timestamp("ms")),
        pa.array([MOMENT], pa.timestamp("us", "Europe/Berlin")),
        pa.array([1_714_557_600_000_000], pa.int64()),
    ],
)
def test_a_column_of_another_type_that_says_the_same(tmp_path: Path, occurred_at: pa.Array) -> None:
    same = columns(
        occurred_at=occurred_at,
        source=pa.array(["jukebox"]).dictionary_encode(),
        track_title=pa.array(["Harvest Moon"], pa.large_string()),
        ms_played=pa.array([243_047.0]),
        platform=pa.nulls(1),
        seek_count=pa.array([3], pa.uint8()),
    )
    (event,), _ = parquet(tmp_path, same)
    (expected,), _ = lines(tmp_path, ROW | {"seek_count": 3})
    assert event == expected


@pytest.mark.parametrize(
    ("name", "values", "shown"),
    [
        ("ms_played", pa.array([5, None]), None),
        ("ms_played", pa.array([5.0, 5.5]), 5.5),
        ("ms_played", pa.array([5.0, float("nan")]), None),
        ("ms_played", pa.array([5, 2**63], pa.uint64()), 2**63),
        ("ms_played", pa.array([5.0, 2.0**63]), 2.0**63),
        ("seek_count", pa.array([5, 2**31]), 2**31),
        ("seek_count", pa.array([5.0, 2.0**31], pa.float32()), 2.0**31),
        ("source", pa.array(["a", "x" * 10_001]), "x" * 10_000),
        ("source", pa.array([b"a", b"\xff"]).view(pa.string()), "\ufffd"),
        ("user_id", pa.array([PSEUDONYM, "anna@example.org"]), "anna@example.org"),
    ],
)
def test_a_row_of_parquet_that_is_no_event_is_kept_as_an_object(
    tmp_path: Path, name: str, values: pa.Array, shown: object
) -> None:
    table = pa.table({field: [value] * 2 for field, value in (ROW | {"occurred_at": MOMENT}).items() if field != name})
    events, (reject,) = parquet(tmp_path, table.append_column(name, values))
    assert len(events) == 1
    assert json.loads(reject)[name] == shown
    assert json.loads(reject)["occurred_at"] == "2024-05-01 10:00:00.000000Z"


def test_one_long_text_that_many_rows_share_does_not_fill_memory(tmp_path: Path) -> None:
    many = {name: pa.repeat(pa.scalar(value), 20_000) for name, value in (ROW | {"occurred_at": MOMENT}).items()}
    shared = pa.DictionaryArray.from_arrays(pa.array([0] * 20_000, pa.int32()), pa.array(["x" * 1_000_000]))
    path = tmp_path / "events.parquet"
    pq.write_table(pa.table(many | {"platform": shared}), path)
    before = pa.total_allocated_bytes()
    batches = event_parquet.read(path, LISTENER)
    first = next(batches)
    assert first.events.num_rows == 0
    assert sum(map(len, first.rejects)) < 40_000_000
    assert pa.total_allocated_bytes() - before < 200_000_000


@pytest.mark.parametrize(
    ("column", "sentence"),
    [
        (pa.array(["243047"]), "The column ms_played of {} is string: it must be int64."),
        (pa.array([[1]]), "The column ms_played of {} is list<element: int64>: it must be int64."),
        (None, "{} lacks the columns ms_played: every event must have them."),
    ],
)
def test_a_column_that_cannot_be_read_is_an_error(tmp_path: Path, column: pa.Array | None, sentence: str) -> None:
    table = columns(ms_played=column) if column is not None else columns().drop_columns("ms_played")
    with pytest.raises(InputError) as error:
        parquet(tmp_path, table)
    assert str(error.value) == sentence.format(tmp_path / "events.parquet")


@pytest.mark.parametrize("kept", [slice(0), slice(0, -20), slice(20, None), slice(8)])
def test_a_file_that_is_not_whole_is_an_error(tmp_path: Path, kept: slice) -> None:
    path = tmp_path / "events.parquet"
    pq.write_table(columns(), path)
    path.write_bytes(path.read_bytes()[kept])
    with pytest.raises(InputError, match=r"is no whole Parquet file"):
        list(event_parquet.read(path, LISTENER))


def test_parquet_in_an_archive(tmp_path: Path) -> None:
    pq.write_table(columns(), tmp_path / "part-0.parquet")
    with zipfile.ZipFile(tmp_path / "events.zip", "w") as packed:
        packed.write(tmp_path / "part-0.parquet", "deep/part-0.parquet")
    ((importer, member),) = find_exports(tmp_path / "events.zip")
    (batch,) = importer.read(member, LISTENER)
    assert batch.events["track_title"].to_pylist() == ["Harvest Moon"]
