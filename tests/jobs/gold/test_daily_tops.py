"""gold.daily_tops: the most played tracks of each day in each country, and in all together."""

from datetime import date
from functools import partial

import pytest

from schemas.area_statistics import DAILY_TOPS
from tests.jobs.gold.base_rows import made_of

pytestmark = pytest.mark.slow_on_spark

ANNA, BEN = "a0" + "0" * 30, "0f" + "0" * 30
BEFORE, DAY, NEXT = date(2026, 11, 29), date(2026, 11, 30), date(2026, 12, 1)


def _cell(track_id, plays=1, **fields):
    usual = {"event_date": DAY, "user_id": ANNA, "country": "DE", "track_id": track_id, "is_flagged": False}
    counts = {"playback_count": plays + 1, "play_count": plays, "skip_count": 1, "played_ms": plays * 1_000}
    return usual | counts | fields


@pytest.fixture
def tops(frame):
    return partial(made_of, frame, DAILY_TOPS)


def _top(rows, area="**", day=DAY):
    chosen = [row for row in rows if (row["area"], row["event_date"]) == (area, day)]
    return sorted((row["position"], row["track_id"], row["play_count"]) for row in chosen)


def test_a_track_is_summed_over_listeners_artists_and_hours_with_and_without_flagged_ones(tops):
    cells = [_cell("t", 2), _cell("t", 3, artist_id="artist:1", local_hour=7), _cell("t", user_id=BEN, is_flagged=True)]

    (row,) = [row for row in tops(*cells) if row["area"] == "DE"]

    assert row == {
        "slice": "month.2026-11-01",
        "event_date": DAY,
        "area": "DE",
        "position": 1,
        "track_id": "t",
        "playback_count": 9,
        "play_count": 6,
        "skip_count": 3,
        "played_ms": 6_000,
        "clean_playback_count": 7,
        "clean_play_count": 5,
        "clean_skip_count": 2,
        "clean_played_ms": 5_000,
        "listener_count": 2,
        "clean_listener_count": 1,
    }


def test_days_have_lists_of_their_own_in_the_slice_of_their_month(tops):
    rows = tops(_cell("v", 3, event_date=BEFORE), _cell("t", 2), _cell("u", 1), _cell("u", 1, event_date=NEXT))

    assert _top(rows) == _top(rows, "DE") == [(1, "t", 2), (2, "u", 1)]
    assert (_top(rows, day=BEFORE), _top(rows, day=NEXT)) == ([(1, "v", 3)], [(1, "u", 1)])
    assert {(row["slice"], row["event_date"]) for row in rows} == {
        ("month.2026-11-01", BEFORE),
        ("month.2026-11-01", DAY),
        ("month.2026-12-01", NEXT),
    }


def test_who_listens_in_two_countries_on_a_day_is_one_listener_of_all_together(tops):
    rows = tops(_cell("t"), _cell("t", country="SE"), _cell("t", country="SE", user_id=BEN, is_flagged=True))

    assert {row["area"]: (row["listener_count"], row["clean_listener_count"]) for row in rows} == {
        "DE": (1, 1),
        "SE": (2, 1),
        "**": (2, 1),
    }


def test_ties_go_by_track_id_and_a_track_that_was_only_skipped_has_no_place(tops):
    rows = tops(_cell("b", 2), _cell("skipped", 0), _cell("a", 2), _cell("c", 3))

    assert _top(rows) == [(1, "c", 3), (2, "a", 2), (3, "b", 2)]


def test_a_list_has_a_hundred_places(tops):
    rows = tops(*(_cell(f"t{number:03}") for number in reversed(range(101))))

    assert _top(rows, "DE") == [(number + 1, f"t{number:03}", 1) for number in range(100)]


def test_nothing_played_is_no_list(tops):
    assert tops() == []
