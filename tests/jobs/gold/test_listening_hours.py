"""gold.listening_hours: when each listener listens, by weekday and hour on their own clock."""

from datetime import date, timedelta
from functools import partial

import pytest

from schemas.statistics import LISTENING_HOURS
from tests.jobs.gold.base_rows import made_of

pytestmark = pytest.mark.slow_on_spark

ANNA = "a0" + "0" * 30
MONDAY = date(2026, 11, 16)


def _cell(day=MONDAY, hour=10, **fields):
    usual = {"event_date": day, "local_date": day, "local_hour": hour, "user_id": ANNA, "country": "DE"}
    counts = {"playback_count": 3, "play_count": 2, "skip_count": 1, "played_ms": 100}
    return usual | counts | {"track_id": "t", "is_flagged": False} | fields


@pytest.fixture
def hours(frame):
    return partial(made_of, frame, LISTENING_HOURS)


def _clock(rows, kind="month"):
    return sorted((row["weekday"], row["hour"], row["playback_count"]) for row in rows if row["period_kind"] == kind)


def test_an_hour_of_a_weekday_is_summed_over_weeks_tracks_and_countries(hours):
    cells = [_cell(), _cell(track_id="u", country="SE"), _cell(MONDAY + timedelta(days=7), is_flagged=True)]

    (month,) = [row for row in hours(*cells) if row["period_kind"] == "month"]

    assert month == {
        "slice": "month.2026-11-01.a0",
        "period_kind": "month",
        "period_start": date(2026, 11, 1),
        "user_id": ANNA,
        "weekday": 1,
        "hour": 10,
        "playback_count": 9,
        "play_count": 6,
        "skip_count": 3,
        "played_ms": 300,
        "clean_playback_count": 6,
        "clean_play_count": 4,
        "clean_skip_count": 2,
        "clean_played_ms": 200,
    }


def test_weekdays_are_numbered_from_monday_to_sunday(hours):
    rows = hours(*(_cell(MONDAY + timedelta(days=number), hour=number) for number in range(7)))

    assert _clock(rows) == [(number + 1, number, 3) for number in range(7)]


def test_an_unknown_time_zone_has_no_weekday_and_no_hour_and_midnight_has_both(hours):
    cells = [_cell(hour=-1), _cell(MONDAY + timedelta(days=1), hour=-1), _cell(hour=0)]

    assert _clock(hours(*cells)) == [(0, -1, 6), (1, 0, 3)]


def test_the_weekday_is_the_listeners_and_the_period_that_of_utc(hours):
    sunday = date(2026, 11, 1)

    rows = hours(_cell(sunday, local_date=date(2026, 10, 31), hour=23))

    assert _clock(rows) == [(6, 23, 3)]
    assert {row["slice"] for row in rows} == {"month.2026-11-01.a0", "year.2026-01-01.a0", "all_time.1970-01-01.a0"}


def test_nothing_played_is_no_hour(hours):
    assert hours() == []
