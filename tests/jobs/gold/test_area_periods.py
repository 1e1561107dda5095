"""gold.area_periods: what was heard in each country, and in all together, in a period."""

from datetime import date
from functools import partial

import pytest

from schemas.area_statistics import AREA_PERIODS
from tests.jobs.gold.base_rows import made_of

pytestmark = pytest.mark.slow_on_spark

ANNA, BEN = "a0" + "0" * 30, "0f" + "0" * 30
DAY = date(2026, 11, 19)


def _cell(track_id="t", **fields):
    usual = {"event_date": DAY, "user_id": ANNA, "country": "DE", "track_id": track_id, "is_flagged": False}
    return usual | {"playback_count": 3, "play_count": 2, "skip_count": 1, "played_ms": 100} | fields


@pytest.fixture
def periods(frame):
    return partial(made_of, frame, AREA_PERIODS)


def _counts(rows, name, kind="month"):
    return {row["area"]: row[name] for row in rows if row["period_kind"] == kind}


def test_an_area_is_summed_up_with_and_without_flagged_days(periods):
    cells = [
        _cell("t", genres="jazz"),
        _cell("u", user_id=BEN, is_flagged=True),
        _cell("u", artist_id="artist:1", local_hour=5),
    ]

    (month,) = [row for row in periods(*cells) if (row["period_kind"], row["area"]) == ("month", "DE")]

    assert month == {
        "slice": "month.2026-11-01",
        "period_kind": "month",
        "period_start": date(2026, 11, 1),
        "area": "DE",
        "playback_count": 9,
        "play_count": 6,
        "skip_count": 3,
        "played_ms": 300,
        "clean_playback_count": 6,
        "clean_play_count": 4,
        "clean_skip_count": 2,
        "clean_played_ms": 200,
        "listener_count": 2,
        "clean_listener_count": 1,
        "track_count": 2,
        "genre_play_count": 2,
        "clean_track_count": 2,
        "clean_genre_play_count": 2,
    }


def test_all_together_count_a_listener_and_a_track_of_two_countries_once(periods):
    rows = periods(_cell("t"), _cell("t", country="SE"), _cell("u", country="SE", user_id=BEN))

    assert _counts(rows, "listener_count") == {"DE": 1, "SE": 2, "**": 2}
    assert _counts(rows, "track_count") == {"DE": 1, "SE": 2, "**": 2}
    assert _counts(rows, "playback_count") == {"DE": 3, "SE": 6, "**": 9}


def test_a_listener_and_a_track_of_two_months_are_one_of_their_week_and_year(periods):
    rows = periods(_cell(event_date=date(2026, 11, 30)), _cell(event_date=date(2026, 12, 1)))

    distinct = {
        (row["period_kind"], str(row["period_start"])): (row["listener_count"], row["track_count"], row["play_count"])
        for row in rows
        if row["area"] == "**"
    }
    assert distinct == {
        ("week", "2026-11-30"): (1, 1, 4),
        ("month", "2026-11-01"): (1, 1, 2),
        ("month", "2026-12-01"): (1, 1, 2),
        ("quarter", "2026-10-01"): (1, 1, 4),
        ("half_year", "2026-07-01"): (1, 1, 4),
        ("year", "2026-01-01"): (1, 1, 4),
        ("all_time", "1970-01-01"): (1, 1, 4),
    }


def test_who_only_skips_is_a_listener_and_a_clean_one_unless_flagged(periods):
    skipped = {"playback_count": 1, "play_count": 0, "played_ms": 0}

    rows = periods(_cell(**skipped), _cell(**skipped, country="ZZ", user_id=BEN, is_flagged=True))

    assert _counts(rows, "play_count") == {"DE": 0, "ZZ": 0, "**": 0}
    assert _counts(rows, "listener_count") == {"DE": 1, "ZZ": 1, "**": 2}
    assert _counts(rows, "clean_listener_count") == {"DE": 1, "ZZ": 0, "**": 1}


def test_a_track_is_a_clean_one_where_any_listener_hears_it_on_a_day_that_is_not_flagged(periods):
    flagged = {"user_id": BEN, "is_flagged": True}
    rows = periods(
        _cell("t", genres="jazz"),
        _cell("t", genres="jazz", **flagged),
        _cell("u", genres="jazz", **flagged),
        _cell("t", genres="jazz", country="SE", **flagged),
        _cell("skipped", country="SE", play_count=0),
    )

    assert _counts(rows, "track_count") == {"DE": 2, "SE": 2, "**": 3}
    assert _counts(rows, "clean_track_count") == {"DE": 1, "SE": 1, "**": 2}
    assert _counts(rows, "genre_play_count") == {"DE": 6, "SE": 2, "**": 8}
    assert _counts(rows, "clean_genre_play_count") == {"DE": 2, "SE": 0, "**": 2}


def test_nothing_played_is_no_period(periods):
    assert periods() == []
