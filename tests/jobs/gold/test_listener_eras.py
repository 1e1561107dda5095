"""gold.listener_eras: what each listener heard in a period, by year of release."""

from datetime import date
from functools import partial

import pytest

from schemas.eras import LISTENER_ERAS
from tests.jobs.gold.base_rows import ANNA, BEN, cell, made_of

pytestmark = pytest.mark.slow_on_spark


@pytest.fixture
def eras(frame):
    return partial(made_of, frame, LISTENER_ERAS)


def test_a_year_of_release_is_summed_over_tracks_days_and_countries_with_and_without_flagged_days(eras):
    cells = [
        cell("t", 2, release_year=1999),
        cell("u", 3, release_year=1999, country="SE"),
        cell("t", 5, release_year=1999, event_date=date(2026, 11, 1), is_flagged=True),
    ]

    (month,) = [row for row in eras(*cells) if row["period_kind"] == "month"]

    assert month == {
        "slice": "month.2026-11-01.a0",
        "period_kind": "month",
        "period_start": date(2026, 11, 1),
        "user_id": ANNA,
        "release_year": 1999,
        "playback_count": 13,
        "play_count": 10,
        "skip_count": 3,
        "played_ms": 10_000,
        "clean_playback_count": 7,
        "clean_play_count": 5,
        "clean_skip_count": 2,
        "clean_played_ms": 5_000,
    }


def test_an_unknown_year_is_a_cell_so_that_all_playbacks_are_in_one(eras):
    rows = eras(cell("t", 2, release_year=1999), cell("u", 0), cell("v", 4, release_year=0), cell("v", 1, user_id=BEN))

    year = {
        (row["user_id"], row["release_year"]): row["playback_count"] for row in rows if row["period_kind"] == "year"
    }
    assert year == {(ANNA, 1999): 3, (ANNA, 0): 6, (BEN, 0): 2}


def test_eras_are_of_months_years_and_all_time(eras):
    rows = eras(cell("t", release_year=1999), cell("t", release_year=1999, event_date=date(2025, 2, 1)))

    assert sorted((row["period_kind"], row["period_start"], row["play_count"]) for row in rows) == [
        ("all_time", date(1970, 1, 1), 2),
        ("month", date(2025, 2, 1), 1),
        ("month", date(2026, 11, 1), 1),
        ("year", date(2025, 1, 1), 1),
        ("year", date(2026, 1, 1), 1),
    ]
