"""Rows of a basic export, literally, and the events they become."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from playback.importers import spotify_basic
from playback.importers.rows import Listener
from schemas.events import CURRENT

USER = "a" * 32
LISTENER = Listener(USER, list)
ROW = {"endTime": "2022-02-28 02:39", "artistName": "Poolside", "trackName": "Harvest Moon", "msPlayed": 243047}


def read(tmp_path: Path, text: str) -> tuple[list[dict[str, object]], list[bytes]]:
    path = tmp_path / "StreamingHistory0.json"
    path.write_text(text, encoding="utf-8")
    batches = list(spotify_basic.read(path, LISTENER))
    events = [event for batch in batches for event in batch.events.to_pylist()]
    return events, [reject for batch in batches for reject in batch.rejects]


def test_a_row_becomes_an_event_that_says_no_more_than_the_row(tmp_path: Path) -> None:
    (event,), rejects = read(tmp_path, json.dumps([ROW]))
    said = {
        "event_id": event["event_id"],
        "source": "spotify-basic",
        "user_id": USER,
        "occurred_at": datetime(2022, 2, 28, 2, 39, tzinfo=UTC),
        "track_title": "Harvest Moon",
        "artist_name": "Poolside",
        "content_type": "track",
        "ms_played": 243047,
    }
    assert event == {field.name: None for field in CURRENT.fields} | said
    assert rejects == []


@pytest.mark.parametrize("ms", [0, -5, 2**62])
def test_an_odd_duration_is_a_fact_of_the_row(tmp_path: Path, ms: int) -> None:
    (event,), _ = read(tmp_path, json.dumps([ROW | {"msPlayed": ms}]))
    assert event["ms_played"] == ms


@pytest.mark.parametrize("time", ["0001-01-01 00:00", "2999-12-31 23:59"])
def test_an_odd_time_that_can_be_read_is_a_fact_of_the_row(tmp_path: Path, time: str) -> None:
    (event,), _ = read(tmp_path, json.dumps([ROW | {"endTime": time}]))
    assert event["occurred_at"] == datetime.fromisoformat(time).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    "row",
    [
        "3",
        "null",
        '"text"',
        "[ ]",
        "{}",
        '{"endTime": "2022-02-28 02:39", "artistName": "A"}',
        '{"endTime": "2022-02-28 02:39", "msPlayed": null}',
        '{"endTime": "2022-02-28 02:39", "msPlayed": true}',
        '{"endTime": "2022-02-28 02:39", "msPlayed": 1.5}',
        '{"endTime": "2022-02-28 02:39", "msPlayed": "243047"}',
        '{"endTime": "2022-02-28 02:39", "msPlayed": 9223372036854775808}',
        '{"endTime": 5, "msPlayed": 1}',
        '{"endTime": "yesterday", "msPlayed": 1}',
        '{"endTime": "2022-02-30 02:39", "msPlayed": 1}',
        '{"endTime": "2022-02-28 24:00", "msPlayed": 1}',
        '{"endTime": "2022-02-28", "msPlayed": 1}',
        '{"endTime": "2022-02-28 02:39\\n", "msPlayed": 1}',
        '{"endTime": "٢٠٢٢-02-28 02:39", "msPlayed": 1}',
    ],
)
def test_a_row_that_lacks_what_an_event_needs_is_kept_as_it_stood(tmp_path: Path, row: str) -> None:
    events, rejects = read(tmp_path, f"[\n  {json.dumps(ROW)},\n  {row} ,{json.dumps(ROW)}]")
    assert len(events) == 2
    assert rejects == [row.encode()]


def test_a_name_that_is_blank_or_no_text_is_not_reported(tmp_path: Path) -> None:
    (event,), _ = read(tmp_path, json.dumps([ROW | {"artistName": " ", "trackName": 7}]))
    assert (event["artist_name"], event["track_title"]) == (None, None)


def test_a_name_beyond_all_measure_makes_a_reject_that_fits_a_message(tmp_path: Path) -> None:
    events, (reject,) = read(tmp_path, json.dumps([ROW | {"trackName": "x" * 2_000_000}]))
    assert events == []
    assert len(reject) == 500_000


def test_a_byte_order_mark_is_no_part_of_the_file(tmp_path: Path) -> None:
    events, rejects = read(tmp_path, "\ufeff" + json.dumps([ROW, 1]))
    assert (len(events), rejects) == (1, [b"1"])


def test_a_true_repeat_is_kept(tmp_path: Path) -> None:
    events, _ = read(tmp_path, json.dumps([ROW, ROW]))
    assert len({event["event_id"] for event in events}) == 2


@pytest.mark.parametrize(
    ("name", "claimed"),
    [
        ("StreamingHistory0.json", True),
        ("StreamingHistory_music_12.json", True),
        ("StreamingHistory_podcast_0.json", False),
        ("Streaming_History_Audio_2023_1.json", False),
        ("._StreamingHistory0.json", False),
        ("StreamingHistory.json", False),
    ],
)
def test_files_of_music_are_claimed_by_name(name: str, claimed: bool) -> None:
    assert spotify_basic.claims(Path(name)) is claimed
