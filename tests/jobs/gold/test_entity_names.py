"""gold.entity_names: names to show of tracks, artists and albums."""

from datetime import UTC, datetime

import pytest

from jobs.gold.entity_names import transform
from schemas.music_catalogue import TRACK_FACTS
from schemas.silver import TRACKS

pytestmark = pytest.mark.slow_on_spark


def _spelling(day=1, **fields):
    names = {"track_id": "t", "artist_name": "Artist", "track_title": "Title", "album_title": "Album"}
    identities = {"content_type": "track", "artist_id": "artist:1", "album_id": "album:1"}
    return names | identities | {"last_seen_at": datetime(2026, 11, day, tzinfo=UTC)} | fields


@pytest.fixture
def names(frame):
    def computed(*spellings, genres=()):
        rows = transform(frame(TRACKS, *spellings), frame(TRACK_FACTS, *({"genres": one} for one in genres))).collect()
        assert len({(row["entity_type"], row["entity_id"]) for row in rows}) == len(rows)
        return sorted(tuple(row) for row in rows)

    return computed


def test_a_spelling_names_a_track_an_artist_and_an_album(names):
    assert names(_spelling()) == [
        ("album", "album:1", "Album", "Artist"),
        ("artist", "artist:1", "Artist", "Artist"),
        ("track", "t", "Title", "Artist"),
    ]


def test_each_has_the_names_that_were_seen_last_of_it_on_whatever_track(names):
    spellings = [
        _spelling(3, track_id="u", artist_name="ARTIST", track_title="Other", album_title="", album_id=""),
        _spelling(2, album_title="ALBUM"),
        _spelling(1, album_title="album", artist_name="artist", track_title="TITLE"),
    ]

    assert names(*spellings) == [
        ("album", "album:1", "ALBUM", "Artist"),
        ("artist", "artist:1", "ARTIST", "ARTIST"),
        ("track", "t", "Title", "Artist"),
        ("track", "u", "Other", "ARTIST"),
    ]


def test_of_spellings_that_were_seen_last_at_once_the_first_by_name_is_shown(names):
    spellings = [_spelling(track_title="B"), _spelling(artist_name="ARTIST", track_title="C"), _spelling(track_id="s")]

    assert names(*spellings) == [
        ("album", "album:1", "Album", "ARTIST"),
        ("artist", "artist:1", "ARTIST", "ARTIST"),
        ("track", "s", "Title", "Artist"),
        ("track", "t", "C", "ARTIST"),
    ]


@pytest.mark.parametrize("nobody", ["", None])
def test_a_track_without_artist_and_album_has_a_name_and_nobody_else_has_one(names, nobody):
    unnamed = _spelling(artist_name="", album_title="", artist_id=nobody, album_id=nobody)

    assert names(unnamed, unnamed | {"track_id": "u", "track_title": ""}) == [
        ("track", "t", "Title", ""),
        ("track", "u", "", ""),
    ]


def test_shows_and_episodes_have_no_names_here(names):
    assert names(_spelling(content_type="episode")) == []


def test_without_tracks_there_are_no_names(names):
    assert names() == []


def test_a_genre_is_its_name_once_of_however_many_tracks(names):
    assert names(genres=["jazz;rock", "rock", ""]) == [("genre", "jazz", "jazz", ""), ("genre", "rock", "rock", "")]
