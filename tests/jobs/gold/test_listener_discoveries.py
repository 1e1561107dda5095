"""gold.listener_discoveries: when each listener first played each track, artist, album and genre."""

from datetime import date

import pytest

from schemas.statistics import LISTENER_DISCOVERIES
from tests.jobs.gold.base_rows import made_of

pytestmark = pytest.mark.slow_on_spark

ANNA, BEN = "a0" + "0" * 30, "0f" + "0" * 30
FIRST, SECOND, THIRD = date(2024, 2, 29), date(2026, 12, 31), date(2027, 1, 1)


def _cell(day=FIRST, **fields):
    usual = {"event_date": day, "user_id": ANNA, "country": "DE", "track_id": "t", "artist_id": "", "album_id": ""}
    return usual | {"playback_count": 1, "play_count": 1, "is_flagged": False} | fields


@pytest.fixture
def discoveries(frame):
    def computed(*cells):
        return sorted(tuple(row.values()) for row in made_of(frame, LISTENER_DISCOVERIES, *cells))

    return computed


def test_the_first_day_with_a_play_is_the_discovery_in_whatever_country(discoveries):
    slice_ = "all_time.1970-01-01.a0"

    rows = discoveries(_cell(SECOND), _cell(FIRST, country="SE"), _cell(THIRD))

    assert rows == [(slice_, ANNA, "track", "t", FIRST, FIRST)]


def test_what_was_only_skipped_is_no_discovery_and_the_day_of_the_skip_is_none(discoveries):
    rows = discoveries(_cell(FIRST, play_count=0), _cell(SECOND), _cell(FIRST, track_id="skipped", play_count=0))

    assert [(row[3], row[4]) for row in rows] == [("t", SECOND)]


def test_a_flagged_day_is_first_but_not_the_first_clean_one(discoveries):
    rows = discoveries(_cell(FIRST, is_flagged=True), _cell(THIRD), _cell(SECOND, is_flagged=True))

    assert [row[4:] for row in rows] == [(FIRST, THIRD)]


def test_who_played_it_on_flagged_days_only_has_no_clean_date(discoveries):
    assert [row[4:] for row in discoveries(_cell(FIRST, is_flagged=True))] == [(FIRST, None)]


def test_an_artist_is_known_from_another_track_and_a_playback_without_one_finds_none(discoveries):
    rows = discoveries(
        _cell(FIRST, artist_id="artist:1"),
        _cell(SECOND, track_id="u", artist_id="artist:1", album_id="album:1"),
        _cell(THIRD, track_id="v", user_id=BEN),
    )

    assert [(row[1], *row[2:5]) for row in rows] == [
        (BEN, "track", "v", THIRD),
        (ANNA, "album", "album:1", SECOND),
        (ANNA, "artist", "artist:1", FIRST),
        (ANNA, "track", "t", FIRST),
        (ANNA, "track", "u", SECOND),
    ]


def test_nothing_played_is_no_discovery(discoveries):
    assert discoveries() == []


def test_a_genre_is_found_with_the_first_play_of_any_of_its_tracks(discoveries):
    rows = discoveries(
        _cell(FIRST, genres="jazz;rock", is_flagged=True),
        _cell(SECOND, track_id="u", genres="rock"),
        _cell(FIRST, track_id="v", genres="skipped", play_count=0),
    )

    assert [row[2:] for row in rows if row[2] == "genre"] == [
        ("genre", "jazz", FIRST, None),
        ("genre", "rock", FIRST, SECOND),
    ]
