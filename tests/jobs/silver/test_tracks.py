"""silver.tracks: which names were seen for each track, and when."""

from datetime import UTC, datetime

from jobs.silver.tracks import transform
from schemas.silver import PLAYS


def _play(day, **fields):
    usual = {"occurred_at": datetime(2026, 11, day, tzinfo=UTC), "track_id": "t", "content_type": "track"}
    return usual | {"artist_name": "Artist", "track_title": "Title", "album_title": None} | fields


def test_one_spelling_is_one_row_with_its_first_and_last_day(frame):
    (row,) = transform(frame(PLAYS, _play(3), _play(1), _play(2))).collect()

    assert (row["first_seen_at"].day, row["last_seen_at"].day, row["is_current"]) == (1, 3, True)
    assert (row["artist_name"], row["track_title"], row["album_title"]) == ("Artist", "Title", "")


def test_of_two_spellings_the_one_seen_last_is_current(frame):
    rows = transform(frame(PLAYS, _play(1, track_title="Old"), _play(2, track_title="New"))).collect()

    assert {row["track_title"]: row["is_current"] for row in rows} == {"Old": False, "New": True}


def test_a_tie_has_one_current_spelling(frame):
    rows = transform(frame(PLAYS, _play(1, track_title="B"), _play(1, track_title="A"))).collect()

    assert {row["track_title"]: row["is_current"] for row in rows} == {"A": True, "B": False}


def test_playbacks_of_nothing_known_are_no_tracks(frame):
    assert transform(frame(PLAYS, _play(1, content_type="unknown", track_id=None))).collect() == []
