"""A feed of the catalogue: every row is an entry, or stands with the reason why it is none."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from playback.catalogue_feed import feed_files, judged, read_feed
from schemas.errors import InputError
from schemas.music_catalogue import REASONS

ENTRY = {"track_id": "uri:1", "artist_name": "Anna", "track_title": "One", "album_title": "Blue"}
FULL = ENTRY | {"release_date": "1999-10-12", "genres": ["Dream Pop", "pop"]}


def rows(path: Path) -> list[dict[str, Any]]:
    return [row for batch in read_feed(feed_files(path)) for row in batch.to_pylist()]


def verdict(**fields: Any) -> tuple[Any, Any, Any]:
    row = judged(ENTRY | fields, b"as it stood")
    return row["reason"], row.get("release_date"), row.get("genres")


def test_a_row_of_json_lines_is_an_entry_with_the_number_it_has(tmp_path: Path) -> None:
    feed = tmp_path / "feed.jsonl"
    feed.write_text(f"\ufeff{json.dumps(FULL | {'label': 'not read'})}\n\n{json.dumps(ENTRY)}\n")
    nothing = {"reason": None, "original": None, "file": "feed.jsonl"}
    assert rows(feed) == [
        ENTRY | nothing | {"row_number": 1, "release_date": "1999-10-12", "genres": "Dream Pop;pop"},
        ENTRY | nothing | {"row_number": 2, "release_date": None, "genres": None},
    ]


def test_a_csv_says_the_same_with_genres_in_one_text(tmp_path: Path) -> None:
    feed = tmp_path / "feed.csv"
    feed.write_text('Track_ID, artist_name,track_title,album_title,release_year,genres,label\n'
                    'uri:1,Anna,One,Blue,1999,"Dream Pop; pop;",x\n,Ben,,,,,\nuri:2,too,few\n')  # fmt: skip
    entry, artist, short = rows(feed)
    assert (entry["track_id"], entry["release_date"], entry["genres"]) == ("uri:1", "1999", "Dream Pop;pop")
    assert {name for name, value in artist.items() if value} == {"row_number", "file", "artist_name"}
    assert (short["reason"], short["original"]) == ("no_object", "uri:2,too,few")


@pytest.mark.parametrize(
    "columns",
    [
        {"release_date": pa.array([date(1999, 10, 12)]), "genres": pa.array([["Dream Pop", "pop"]])},
        {"release_date": pa.array(["1999-10-12"], pa.large_string()), "genres": pa.array(["Dream Pop;pop"])},
        {"release_date": pa.array(["1999-10-12"]).dictionary_encode(), "genres": pa.array([["Dream Pop;pop"]])},
    ],
)
def test_parquet_says_the_same_in_any_type_that_can(tmp_path: Path, columns: dict[str, pa.Array]) -> None:
    pq.write_table(pa.table({name: [value] for name, value in ENTRY.items()} | columns), tmp_path / "feed.parquet")
    [row] = rows(tmp_path / "feed.parquet")
    assert (row["track_id"], row["release_date"], row["genres"]) == ("uri:1", "1999-10-12", "Dream Pop;pop")


def test_a_text_of_parquet_that_is_no_utf8_is_none(tmp_path: Path) -> None:
    broken = pa.array([b"good", b"\xff", None]).view(pa.string())
    pq.write_table(pa.table({"track_id": ["a", "b", "c"], "artist_name": broken}), tmp_path / "feed.parquet")
    assert [(row["artist_name"], row["reason"]) for row in rows(tmp_path / "feed.parquet")] == [
        ("good", None),
        (None, "bad_text"),
        (None, None),
    ]


def test_files_of_a_folder_are_one_feed_in_the_order_of_their_names(tmp_path: Path) -> None:
    (tmp_path / "b.ndjson").write_text(json.dumps(ENTRY) + "\n" + json.dumps(ENTRY) + "\n")
    (tmp_path / "a.csv").write_text("artist_name\nAnna\n")
    (tmp_path / "notes.txt").write_text("not read")
    (tmp_path / ".hidden.csv").write_text("artist_name\nNobody\n")
    assert [(row["row_number"], row["file"]) for row in rows(tmp_path)] == [
        (1, "a.csv"),
        (2, "b.ndjson"),
        (3, "b.ndjson"),
    ]


@pytest.mark.parametrize(
    ("given", "date_said"),
    [
        ("1999", "1999"),
        ("1999-10", "1999-10"),
        (" 2024-02-29 ", "2024-02-29"),
        (1999, "1999"),
        (1999.0, "1999"),
        ("1999.0", "1999"),
        (float("nan"), None),
        ("", None),
        (None, None),
    ],
)
def test_a_release_is_a_year_a_month_or_a_day(given: Any, date_said: str | None) -> None:
    assert verdict(release_date=given) == (None, date_said, None)
    assert verdict(release_year=given) == (None, date_said, None)


def test_the_date_goes_before_the_year() -> None:
    assert verdict(release_date="1999-10", release_year=2020)[1] == "1999-10"


@pytest.mark.parametrize(
    "given",
    ["soon", "0000", "1859", "2101", "1999-13", "2023-02-29", "1999-1", "1999-10-12T00:00:00Z", 12345, True, []],
)
def test_what_is_no_date_within_the_calendar_of_recordings_is_refused(given: Any) -> None:
    assert verdict(release_date=given)[0] == "bad_release"


@pytest.mark.parametrize("given", [{"pop": 1}, ["pop", 1], ["pop", None], 7, ["x" * 101], ["pop"] * 33])
def test_what_is_no_list_of_texts_within_bounds_is_refused(given: Any) -> None:
    assert verdict(genres=given)[0] == "bad_genres"


@pytest.mark.parametrize("given", [[], None, "", ["", " "], ";;"])
def test_no_genre_is_unknown(given: Any) -> None:
    assert verdict(genres=given) == (None, None, None)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "no_object"),
        (["Anna"], "no_object"),
        ({}, "nothing_named"),
        ({"album_title": "Blue", "track_id": " ", "artist_name": ""}, "nothing_named"),
        (ENTRY | {"artist_name": 7}, "bad_text"),
        (ENTRY | {"track_title": "x" * 10_001}, "bad_text"),
    ],
)
def test_a_row_that_names_nothing_is_kept_as_it_stood(value: Any, reason: str) -> None:
    assert judged(value, b"as it \xff stood") == {"reason": reason, "original": "as it \ufffd stood"}
    assert reason in REASONS


def test_a_hostile_line_is_a_row_of_bounded_size(tmp_path: Path) -> None:
    feed = tmp_path / "feed.jsonl"
    feed.write_bytes(
        b'{"artist_name": "' + b"x" * 5_000_000 + b'"}\n' + b"[" * 100_000 + b"\n" + b'{"artist_name": "A"}\n'
    )
    found = rows(feed)
    assert [row["reason"] for row in found] == ["no_object", "no_object", None]
    assert max(len(row["original"] or "") for row in found) == 10_000


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("feed.jsonl", b'{"artist_name": "A"}\n{"artist_name": "B', "breaks off in its last line"),
        ("feed.csv", b"uts,artist,track\n1,A,B\n", "is of something else"),
        ("feed.csv", b'artist_name\n"A', "breaks off in its last row"),
        ("feed.parquet", b"PAR1 no more PAR1", "no whole Parquet file"),
        ("feed.xlsx", b"", "no feed of the catalogue: it is a file that ends in .jsonl"),
    ],
)
def test_a_file_that_cannot_be_read_is_an_error_that_says_so(
    tmp_path: Path, name: str, content: bytes, said: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=said):
        rows(tmp_path / name)


def test_a_parquet_of_something_else_and_a_folder_of_nothing_are_errors(tmp_path: Path) -> None:
    pq.write_table(pa.table({"title": ["a"]}), tmp_path / "feed.parquet")
    with pytest.raises(InputError, match="is of something else"):
        rows(tmp_path / "feed.parquet")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="holds no file that a feed"):
        rows(tmp_path / "empty")
    with pytest.raises(InputError, match=r"There is no .*: set TONEARM_CATALOGUE_FEED"):
        rows(tmp_path / "nowhere")
