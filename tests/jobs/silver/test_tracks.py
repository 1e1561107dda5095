"""silver.tracks: which names were seen for each track, and when."""

from datetime import UTC, datetime

import pyarrow as pa

from jobs.silver.tracks import transform
from playback.identity import album_ids, artist_ids
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


def test_what_is_a_track_and_an_episode_under_one_spelling_is_a_track(frame):
    rows = transform(frame(PLAYS, _play(1), _play(2, content_type="episode"))).collect()

    assert [(row["content_type"], row["last_seen_at"].day) for row in rows] == [("track", 2)]


def test_playbacks_of_nothing_known_are_no_tracks(frame):
    assert transform(frame(PLAYS, _play(1, content_type="unknown", track_id=None))).collect() == []


def test_a_spelling_has_the_identities_of_its_artist_and_album(frame):
    (row,) = transform(frame(PLAYS, _play(1, artist_name="Ana", album_title="Blue"))).collect()

    assert row["artist_id"] == artist_ids(pa.array(["Ana"]))[0].as_py()
    assert row["album_id"] == album_ids(pa.array(["Ana"]), pa.array(["Blue"]))[0].as_py()


def test_spellings_of_one_artist_are_rows_with_one_identity_and_another_artist_is_another(frame):
    plays = [_play(1), _play(2, artist_name=" ARTIST"), _play(3, artist_name="Artist & Co"), _play(4, track_id="u")]

    rows = transform(frame(PLAYS, *plays)).collect()

    identities = {(row["track_id"], row["artist_name"]): row["artist_id"] for row in rows}
    one = identities["t", "Artist"]
    assert identities["t", " ARTIST"] == identities["u", "Artist"] == one
    assert identities["t", "Artist & Co"] != one


def test_who_and_what_has_no_name_has_an_empty_identity(frame):
    rows = transform(frame(PLAYS, _play(1, artist_name=None), _play(2, artist_name=" ", album_title=" "))).collect()

    assert [(row["artist_id"], row["album_id"]) for row in rows] == [("", ""), ("", "")]


def test_nothing_played_is_no_track(frame):
    assert transform(frame(PLAYS)).collect() == []
