"""The platform's own events from elsewhere, as newline-JSON and as Parquet, literally."""

import json
import zipfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from playback.importers import event_lines, event_parquet
from playback.importers.exports import find_exports
from playback.importers.rows import Listener
from schemas.errors import InputError
from schemas.events import CURRENT

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


def test_a_line_says_what_it_says_and_is_named(tmp_path: Path) -> None:
    (event,), rejects = lines(tmp_path, ROW | {"shoe_size": 44})
    said = {**ROW, "event_id": event["event_id"], "user_id": WHOLE, "occurred_at": MOMENT}
    assert event == {field.name: None for field in CURRENT.fields} | said
    assert len(event["event_id"]) == 32
    assert rejects == []


def test_parquet_says_the_same_as_lines(tmp_path: Path) -> None:
    (from_line,), _ = lines(tmp_path, ROW)
    (from_parquet,), _ = parquet(tmp_path, columns(shoe_size=44))
    assert from_parquet == from_line


@pytest.mark.parametrize(
    ("whose", "user_id"),
    [
        ({}, WHOLE),
        ({"user": None, "user_id": None}, WHOLE),
        ({"user": "", "user_id": ""}, WHOLE),
        ({"user": "anna"}, "anna".rjust(32, "f")),
        ({"user": "anna", "user_id": PSEUDONYM}, "anna".rjust(32, "f")),
        ({"user_id": PSEUDONYM}, PSEUDONYM),
        ({"user_id": "anna@example.org"}, None),
        ({"user_id": PSEUDONYM.upper()}, None),
        ({"user": "  "}, None),
        ({"user": "x" * 10_001}, None),
    ],
)
def test_a_row_belongs_to_its_account_or_its_pseudonym_or_to_the_listener_of_the_whole(
    tmp_path: Path, whose: dict[str, str | None], user_id: str | None
) -> None:
    for events, rejects in (lines(tmp_path, ROW | whose), parquet(tmp_path, columns(**whose))):
        assert [event["user_id"] for event in events] == ([user_id] if user_id else [])
        assert len(rejects) == (user_id is None)


@pytest.mark.parametrize("whose", [{"user": 5}, {"user": ["anna"]}, {"user_id": 5}, {"user_id": {}}])
def test_an_account_that_is_no_text_is_nobody_s(tmp_path: Path, whose: dict[str, object]) -> None:
    row = ROW | whose
    assert lines(tmp_path, row) == ([], [json.dumps(row).encode()])


def test_an_id_that_is_given_stays(tmp_path: Path) -> None:
    events, _ = lines(tmp_path, ROW | {"event_id": "mine"}, ROW | {"event_id": None}, ROW | {"event_id": ""}, ROW)
    ids = [event["event_id"] for event in events]
    assert ids[0] == "mine"
    assert len(set(ids)) == 2


@pytest.mark.parametrize(
    "changed",
    [
        {"source": "other"},
        {"user": "anna"},
        {"occurred_at": "2024-05-01T10:00:00.000001Z"},
        {"track_title": "Other"},
        {"artist_name": "Other"},
        {"track_id": "a:b:c"},
        {"ms_played": 1},
    ],
)
def test_whatever_differs_gives_another_id(tmp_path: Path, changed: dict[str, object]) -> None:
    events, _ = lines(tmp_path, ROW, ROW | changed)
    assert len({event["event_id"] for event in events}) == 2


@pytest.mark.parametrize(
    "line",
    [
        b"3",
        b"null",
        b"[]",
        b"{}",
        b"{broken",
        b'{"ms_played": NaN}',
        b"[" * 5_000 + b"]" * 5_000,
        json.dumps(ROW).encode().replace(b"Moon", b"\xff"),
        json.dumps(ROW | {"track_title": "\ud800"}).encode(),
        json.dumps(ROW | {"ms_played": None}).encode(),
        json.dumps(ROW | {"ms_played": 5.0}).encode(),
        json.dumps(ROW | {"ms_played": 2**63}).encode(),
        json.dumps(ROW | {"ms_played": 2**70}).encode(),
        json.dumps(ROW | {"seek_count": 2**31}).encode(),
        json.dumps(ROW | {"occurred_at": "yesterday"}).encode(),
        json.dumps(ROW | {"source": None}).encode(),
        json.dumps(ROW | {"offline": "no"}).encode(),
        json.dumps(ROW | {"event_id": 5}).encode(),
        json.dumps(ROW | {"track_title": "x" * 200_000}).encode(),
    ],
)
def test_a_line_that_is_no_event_is_kept_as_it_stood(tmp_path: Path, line: bytes) -> None:
    events, rejects = lines(tmp_path, ROW, line, ROW)
    assert len(events) == 2
    assert rejects == [line]


def test_lines_that_break_off_are_an_error(tmp_path: Path) -> None:
    path = tmp_path / "events.ndjson"
    path.write_text(json.dumps(ROW) + "\n" + json.dumps(ROW)[:-1])
    with pytest.raises(InputError, match=r"events\.ndjson breaks off in its last line"):
        list(event_lines.read(path, LISTENER))


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


events = st.fixed_dictionaries(
    {
        **{name: st.just(value) for name, value in ROW.items()},
        "occurred_at": st.integers(0, 2),
        "track_title": st.sampled_from(["A", "B", None]),
        "artist_name": st.sampled_from(["A", None]),
        "user": st.sampled_from(["anna", "bob", None]),
    }
)


@given(st.lists(events, max_size=8), st.lists(events, max_size=8))
def test_the_same_events_again_or_among_others_have_the_same_ids(
    earlier: list[dict[str, Any]], later: list[dict[str, Any]]
) -> None:
    with TemporaryDirectory() as folder:
        ids = [event["event_id"] for event in lines(Path(folder), *earlier)[0]]
        again = [event["event_id"] for event in lines(Path(folder), *later, *earlier)[0]]
    assert again[len(later) :] == ids
    assert len(set(ids)) == len({json.dumps(row, sort_keys=True) for row in earlier})
