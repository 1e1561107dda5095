"""gold.listener_periods: what each listener heard in a period, all together."""

from datetime import date

import pytest

from schemas.statistics import LISTENER_PERIODS
from tests.jobs.gold.base_rows import made_of

pytestmark = pytest.mark.slow_on_spark

ANNA, BEN = "a0" + "0" * 30, "0f" + "0" * 30
DAY = date(2026, 11, 19)


def _cell(track_id="t", **fields):
    usual = {"event_date": DAY, "user_id": ANNA, "country": "DE", "artist_id": "", "album_id": ""}
    counts = {"playback_count": 3, "play_count": 2, "skip_count": 1, "played_ms": 100}
    return usual | counts | {"track_id": track_id, "is_flagged": False} | fields


@pytest.fixture
def periods(frame):
    def computed(*cells):
        return {
            (row["user_id"], row["period_kind"], row["period_start"]): row
            for row in made_of(frame, LISTENER_PERIODS, *cells)
        }

    return computed


def test_a_period_is_summed_up_and_counts_what_differs(periods):
    cells = [
        _cell("t", artist_id="artist:1", album_id="album:1", genres="jazz;rock"),
        _cell("t", artist_id="artist:2", country="SE", local_hour=3, genres="jazz;rock"),
        _cell("u", artist_id="artist:1", album_id="album:1", event_date=date(2026, 11, 20), is_flagged=True),
        _cell("v", event_date=date(2026, 11, 1)),
    ]

    row = periods(*cells)[ANNA, "month", date(2026, 11, 1)]

    assert row == {
        "slice": "month.2026-11-01.a0",
        "period_kind": "month",
        "period_start": date(2026, 11, 1),
        "user_id": ANNA,
        "playback_count": 12,
        "play_count": 8,
        "skip_count": 4,
        "played_ms": 400,
        "clean_playback_count": 9,
        "clean_play_count": 6,
        "clean_skip_count": 3,
        "clean_played_ms": 300,
        "track_count": 3,
        "artist_count": 2,
        "album_count": 1,
        "day_count": 3,
        "genre_count": 2,
        "genre_play_count": 4,
        "clean_track_count": 2,
        "clean_artist_count": 2,
        "clean_album_count": 1,
        "clean_day_count": 2,
        "clean_genre_count": 2,
        "clean_genre_play_count": 4,
    }


def test_what_was_heard_on_flagged_days_only_is_in_no_clean_count(periods):
    named = {"artist_id": "artist:1", "album_id": "album:1", "genres": "jazz"}
    flagged = {"event_date": date(2026, 11, 20), "is_flagged": True}
    cells = [
        _cell("t", **named),
        _cell("t", **named | flagged),
        _cell("u", artist_id="artist:2", album_id="album:2", genres="jazz;rock", **flagged),
    ]

    row = periods(*cells)[ANNA, "month", date(2026, 11, 1)]

    assert {name: value for name, value in row.items() if _is_of_different(name)} == {
        "track_count": 2,
        "artist_count": 2,
        "album_count": 2,
        "day_count": 2,
        "genre_count": 2,
        "genre_play_count": 6,
        "clean_track_count": 1,
        "clean_artist_count": 1,
        "clean_album_count": 1,
        "clean_day_count": 1,
        "clean_genre_count": 1,
        "clean_genre_play_count": 2,
    }


def _is_of_different(name):
    return any(one in name for one in ("track", "artist", "album", "day", "genre"))


def test_a_week_goes_over_new_year_and_distinct_tracks_do_not_add_up(periods):
    rows = periods(_cell(event_date=date(2026, 12, 31)), _cell(event_date=date(2027, 1, 1)))

    counts = {(kind, str(start)): (row["track_count"], row["day_count"]) for (_, kind, start), row in rows.items()}
    assert counts == {
        ("week", "2026-12-28"): (1, 2),
        ("month", "2026-12-01"): (1, 1),
        ("month", "2027-01-01"): (1, 1),
        ("quarter", "2026-10-01"): (1, 1),
        ("quarter", "2027-01-01"): (1, 1),
        ("half_year", "2026-07-01"): (1, 1),
        ("half_year", "2027-01-01"): (1, 1),
        ("year", "2026-01-01"): (1, 1),
        ("year", "2027-01-01"): (1, 1),
        ("all_time", "1970-01-01"): (1, 2),
    }


def test_who_only_skipped_tracks_of_nobody_known_has_a_row(periods):
    row = periods(_cell(playback_count=1, play_count=0, played_ms=0))[ANNA, "year", date(2026, 1, 1)]

    assert (row["playback_count"], row["play_count"], row["skip_count"], row["played_ms"]) == (1, 0, 1, 0)
    assert (row["track_count"], row["artist_count"], row["album_count"], row["day_count"]) == (1, 0, 0, 1)
    assert (row["clean_track_count"], row["clean_artist_count"], row["clean_day_count"]) == (1, 0, 1)


def test_who_is_flagged_on_every_day_has_nothing_clean(periods):
    row = periods(_cell(is_flagged=True, genres="jazz"))[ANNA, "all_time", date(1970, 1, 1)]

    assert (row["playback_count"], row["track_count"], row["day_count"], row["genre_count"]) == (3, 1, 1, 1)
    assert {value for name, value in row.items() if name.startswith("clean_")} == {0}


def test_listeners_are_rows_of_their_own_in_the_slice_of_their_share(periods):
    rows = periods(_cell(), _cell(user_id=BEN), _cell(user_id="a8" + "0" * 30))

    slices = {row["slice"] for (_, kind, _), row in rows.items() if kind == "quarter"}
    assert slices == {f"quarter.2026-10-01.{share}" for share in ("a0", "08", "a8")}


def test_nothing_played_is_no_period(periods):
    assert periods() == {}
