"""gold.listener_track_days: playbacks of tracks of each listener by day and local hour."""

from datetime import UTC, date, datetime, timedelta

import pytest

from jobs.gold.listener_track_days import transform
from jobs.slice_columns import in_slices
from schemas.music_catalogue import TRACK_FACTS
from schemas.silver import MERGED_PLAYS, PLAYS, TRACKS
from schemas.statistics import LISTENER_TRACK_DAYS

pytestmark = pytest.mark.slow_on_spark

ANNA, BEN = "a0" + "0" * 30, "0f" + "0" * 30
TEN = datetime(2026, 11, 19, 10, tzinfo=UTC)
TRACK = {"track_id": "t", "artist_name": "Artist", "track_title": "Title", "album_title": "Album"}
TRACKS_SEEN = [
    TRACK | {"artist_id": "artist:1", "album_id": "album:1"},
    TRACK | {"artist_name": "ARTIST & Co", "artist_id": "artist:2", "album_id": "album:2"},
    TRACK | {"artist_name": "", "album_title": "", "artist_id": "", "album_id": ""},
]


def _play(at=TEN, **fields):
    usual = {"user_id": ANNA, "country": "DE", "content_type": "track", "ms_played": 60_000, "counts_as_play": True}
    return TRACK | usual | {"occurred_at": at, "event_date": at.date(), "is_skip": False} | fields


@pytest.fixture
def cells(frame):
    def computed(*plays):
        sliced = in_slices(frame(PLAYS, *plays), LISTENER_TRACK_DAYS.refresh)
        known = frame(TRACK_FACTS, {"track_id": "t", "release_year": 1999, "genres": "jazz;rock"})
        rows = transform(sliced, frame(MERGED_PLAYS), frame(TRACKS, *TRACKS_SEEN), known).collect()
        return [row.asDict() for row in rows]

    return computed


def _clock(rows):
    return sorted((row["local_date"], row["local_hour"], row["playback_count"]) for row in rows)


def _flags(rows):
    return {(row["user_id"], row["event_date"]): row["is_flagged"] for row in rows}


def test_playbacks_of_a_track_in_one_hour_are_one_row(cells):
    skip = _play(TEN + timedelta(minutes=59), ms_played=1, counts_as_play=False, is_skip=True)

    assert cells(_play(utc_offset_minutes=60), skip | {"utc_offset_minutes": 60}) == [
        {
            "slice": "month.2026-11-01.a0",
            "event_date": TEN.date(),
            "user_id": ANNA,
            "country": "DE",
            "track_id": "t",
            "artist_id": "artist:1",
            "album_id": "album:1",
            "local_date": TEN.date(),
            "local_hour": 11,
            "playback_count": 2,
            "play_count": 1,
            "skip_count": 1,
            "played_ms": 60_001,
            "is_flagged": False,
            "release_year": 1999,
            "genres": "jazz;rock",
        }
    ]


def test_a_track_that_the_catalogue_does_not_know_is_of_no_year_and_no_genre(cells):
    (row,) = cells(_play(track_id="u"))

    assert (row["release_year"], row["genres"], row["playback_count"]) == (0, "", 1)


def test_an_unknown_time_zone_has_the_date_in_utc_and_no_hour_and_utc_is_not_unknown(cells):
    plays = [_play(utc_offset_minutes=None), _play(utc_offset_minutes=0)]

    assert _clock(cells(*plays)) == [(TEN.date(), -1, 1), (TEN.date(), 10, 1)]


@pytest.mark.parametrize(
    ("at", "offset", "local"),
    [
        (datetime(2026, 3, 1, 0, 30, tzinfo=UTC), -60, (date(2026, 2, 28), 23)),
        (datetime(2026, 3, 1, tzinfo=UTC), -1, (date(2026, 2, 28), 23)),
        (datetime(2027, 1, 1, 11, 59, 59, 999_999, tzinfo=UTC), -720, (date(2026, 12, 31), 23)),
        (datetime(2026, 12, 31, 18, 14, 59, 999_999, tzinfo=UTC), 345, (date(2026, 12, 31), 23)),
        (datetime(2026, 12, 31, 18, 15, tzinfo=UTC), 345, (date(2027, 1, 1), 0)),
        (datetime(1970, 1, 1, tzinfo=UTC), -600, (date(1969, 12, 31), 14)),
    ],
)
def test_the_clock_of_the_listener_has_its_own_midnight_and_the_slice_has_that_of_utc(cells, at, offset, local):
    (row,) = cells(_play(at, utc_offset_minutes=offset))

    assert (row["local_date"], row["local_hour"]) == local
    assert (row["event_date"], row["slice"]) == (at.date(), f"month.{at.date().replace(day=1)}.a0")


def test_the_artist_is_the_one_that_the_playback_was_spelled_with(cells):
    plays = [_play(), _play(artist_name="ARTIST & Co"), _play(artist_name=None, album_title=None)]

    assert {(row["artist_id"], row["album_id"]) for row in cells(*plays)} == {
        ("artist:1", "album:1"),
        ("artist:2", "album:2"),
        ("", ""),
    }


def test_a_spelling_that_is_not_known_yet_has_no_artist_and_is_counted(cells):
    (row,) = cells(_play(track_title="New"))

    assert (row["artist_id"], row["album_id"], row["playback_count"]) == ("", "", 1)


def test_two_hundred_playbacks_under_the_mean_are_flagged_on_that_day_only(cells):
    short, tomorrow = 44_999, TEN + timedelta(days=1)
    hurried = [_play(ms_played=45_000) for _ in range(199)] + [_play(ms_played=short, country="SE", track_id="u")]
    others = [_play(tomorrow), _play(user_id=BEN), *(_play(tomorrow, user_id=BEN, ms_played=1) for _ in range(199))]

    assert _flags(cells(*hurried, *others)) == {
        (ANNA, TEN.date()): True,
        (ANNA, tomorrow.date()): False,
        (BEN, TEN.date()): False,
        (BEN, tomorrow.date()): False,
    }


def test_two_hundred_playbacks_of_the_mean_are_not_flagged(cells):
    plays = [_play(ms_played=90_000 * (number % 2)) for number in range(200)]

    assert _flags(cells(*plays)) == {(ANNA, TEN.date()): False}


def test_more_than_a_day_in_a_day_is_flagged_in_all_its_rows_and_exactly_a_day_is_not(cells):
    full = [_play(ms_played=86_399_999), _play(ms_played=1, country="SE")]
    more = [{**one, "user_id": BEN} for one in (*full, _play(ms_played=1, track_id="u"))]

    rows = cells(*full, *more)

    assert len(rows) == 5
    assert _flags(rows) == {(ANNA, TEN.date()): False, (BEN, TEN.date()): True}


def test_episodes_are_left_out_and_flag_nobody(cells):
    talk = [_play(content_type="episode", ms_played=86_400_000) for _ in range(2)]
    blank = _play(content_type="unknown", ms_played=86_400_000, track_id=None)

    (row,) = cells(_play(), *talk, blank)

    assert (row["playback_count"], row["is_flagged"]) == (1, False)


def test_nothing_played_is_nothing(cells):
    assert cells() == []
