"""Rows of Last.fm scrobbles, literally, and the events they become."""

import csv
import io
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playback.importers import lastfm
from playback.importers.rows import Listener
from schemas.errors import InputError
from schemas.events import CURRENT

USER = "d" * 32
LISTENER = Listener(USER, list)
MBID = "da5d357e-8807-479c-a69c-e839117e812a"
HEADER = "uts,utc_time,artist,artist_mbid,album,album_mbid,track,track_mbid"
ROW = f'"1767217094","31 Dec 2025, 21:38","Oneohtrix Point Never","9cea","Tranquilizer","","Modern Lust","{MBID}"'


def read(tmp_path: Path, content: str | bytes) -> tuple[list[dict[str, object]], list[bytes]]:
    path = tmp_path / "anna.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    batches = list(lastfm.read(path, LISTENER))
    events = [event for batch in batches for event in batch.events.to_pylist()]
    return events, [reject for batch in batches for reject in batch.rejects]


def names(events: list[dict[str, object]]) -> list[tuple[object, ...]]:
    return [tuple(event[name] for name in ("artist_name", "album_title", "track_title")) for event in events]


def test_a_scrobble_becomes_a_play_that_says_no_more_than_it(tmp_path: Path) -> None:
    (event,), rejects = read(tmp_path, f"{HEADER}\n{ROW}\n")
    said = {
        "event_id": event["event_id"],
        "source": "lastfm",
        "user_id": USER,
        "occurred_at": datetime(2025, 12, 31, 21, 38, 14, tzinfo=UTC),
        "track_id": f"mbid:track:{MBID}",
        "track_title": "Modern Lust",
        "artist_name": "Oneohtrix Point Never",
        "album_title": "Tranquilizer",
        "content_type": "track",
        "outcome": "play",
        "ms_played": 30_000,
    }
    assert event == {field.name: None for field in CURRENT.fields} | said
    assert rejects == []


def test_a_file_without_a_header(tmp_path: Path) -> None:
    events, rejects = read(tmp_path, 'A,B,C,31 Dec 2022 23:59\nA,,C,"1 Jan 2023, 00:00"\n')
    assert names(events) == [("A", "B", "C"), ("A", None, "C")]
    assert [event["occurred_at"] for event in events] == [
        datetime(2022, 12, 31, 23, 59, tzinfo=UTC),
        datetime(2023, 1, 1, tzinfo=UTC),
    ]
    assert rejects == []


def test_columns_are_found_by_name_and_others_are_ignored(tmp_path: Path) -> None:
    events, _ = read(tmp_path, "Track,Loved,Artist,Date\nC,yes,A,2022-12-31 23:59:05\n")
    assert names(events) == [("A", None, "C")]
    assert events[0]["occurred_at"] == datetime(2022, 12, 31, 23, 59, 5, tzinfo=UTC)


def test_quotes_line_ends_and_the_byte_order_mark_are_those_of_csv(tmp_path: Path) -> None:
    events, rejects = read(
        tmp_path,
        b'\xef\xbb\xbfartist,album,track,uts\r\n"A, ""B""","line\r\nbreak",C"d"e,1700000000\r\n\r\nF,,G,1700000001',
    )
    assert names(events) == [('A, "B"', "line\r\nbreak", 'C"d"e'), ("F", None, "G")]
    assert rejects == []


@pytest.mark.parametrize(
    "row",
    [
        "A,B,C,",
        "A,B,C,now playing",
        "A,B,C,31 Foo 2022 23:59",
        "A,B,C,31 Feb 2022 23:59",
        "A,B,C,31 Dec 2022 24:59",
        "A,B,C,٣١ Dec 2022 23:59",
        "A,B,C,-5",
        "A,B,C,nan",
        "A,B,C,999999999999",
        "A,B,C",
        "A,B,C,1700000000,more",
        '"A"x,B,C,1700000000',
        "A,\rB,C,1700000000",
        "x" * 10_001 + ",B,C,1700000000",
        "x" * 200_000 + ",B,C,1700000000",
    ],
)
def test_a_row_that_is_no_scrobble_is_kept_as_it_stood(tmp_path: Path, row: str) -> None:
    events, rejects = read(tmp_path, f"artist,album,track,date\nA,B,C,1700000000\n{row}\nD,E,F,1700000000\n")
    assert names(events) == [("A", "B", "C"), ("D", "E", "F")]
    assert rejects == [row.encode()]


def test_a_row_that_is_no_text_is_kept_as_it_stood(tmp_path: Path) -> None:
    events, rejects = read(tmp_path, b"artist,track,uts\nBeyonc\xe9,Halo,1700000000\nA,B,1700000000\n")
    assert names(events) == [("A", None, "B")]
    assert rejects == [b"Beyonc\xe9,Halo,1700000000"]


def test_a_row_of_two_lines_is_one_reject(tmp_path: Path) -> None:
    _, rejects = read(tmp_path, 'artist,track,uts\n"A\nB",C,never\n')
    assert rejects == [b'"A\nB",C,never']


def test_a_nul_is_a_character(tmp_path: Path) -> None:
    events, _ = read(tmp_path, b"artist,track,uts\nA\0B,C,1700000000\n")
    assert names(events) == [("A\0B", None, "C")]


def test_a_quote_that_is_never_closed_swallows_no_more_than_a_field_can_hold(tmp_path: Path) -> None:
    rows = "".join(f"A,B{n},C,1700000000\n" for n in range(20_000))
    events, rejects = read(tmp_path, f'artist,album,track,uts\n"A,B,C,1700000000\n{rows}')
    assert len(rejects) == 1
    assert len(events) + rejects[0].count(b"\n") == 20_000
    assert len(rejects[0]) < 140_000


def test_a_file_that_breaks_off_in_quotes_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"anna\.csv breaks off in its last row"):
        read(tmp_path, f"{HEADER}\n{ROW}\n{ROW[:-20]}")


@pytest.mark.parametrize("content", ["name,price\nApple,1\n", "\0\0\0", '{"a": 5}', "A,B,C,never\n"])
def test_a_csv_of_something_else_is_an_error(tmp_path: Path, content: str) -> None:
    with pytest.raises(InputError, match=r"anna\.csv is no CSV of scrobbles"):
        read(tmp_path, content)


@pytest.mark.parametrize("content", ["", "\ufeff", "\n\n", HEADER, HEADER + "\r\n"])
def test_a_file_without_rows(tmp_path: Path, content: str) -> None:
    assert read(tmp_path, content) == ([], [])


def test_another_id_of_the_track_changes_no_identity(tmp_path: Path) -> None:
    (first,), _ = read(tmp_path, f"{HEADER}\n{ROW}\n")
    (later,), _ = read(tmp_path, f"{HEADER}\n{ROW.replace(MBID, '')}\n")
    assert first["event_id"] == later["event_id"]


scrobbles = st.tuples(
    st.sampled_from(["A", 'B, "b"', "C\nc"]), st.just(""), st.sampled_from(["x", "y"]), st.integers(0, 2)
).map(lambda row: (*row[:3], f"1 Jan 2023 00:0{row[3]}"))


def ids_of(rows: list[tuple[str, ...]]) -> set[object]:
    content = io.StringIO()
    csv.writer(content).writerows(rows)
    with TemporaryDirectory() as folder:
        return {event["event_id"] for event in read(Path(folder), content.getvalue())[0]}


@given(st.lists(scrobbles, max_size=8), st.lists(scrobbles, max_size=8))
def test_the_same_export_and_a_longer_one_give_the_same_ids(
    earlier: list[tuple[str, ...]], later: list[tuple[str, ...]]
) -> None:
    ids = ids_of(earlier)
    assert len(ids) == len(earlier)
    assert ids <= ids_of(later + earlier)
