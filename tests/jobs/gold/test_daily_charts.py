"""gold.daily_charts: the charts of each day, with the way of each track through them."""

from datetime import date, timedelta

import pytest

from jobs.gold.daily_charts import transform
from schemas.area_statistics import DAILY_TOPS

pytestmark = pytest.mark.slow_on_spark

MONDAY = date(2026, 12, 28)
WAY = ("previous_position", "peak_position", "days_on_chart", "weeks_on_chart")


def _place(position, day=0, track_id="t", area="**"):
    return {"event_date": MONDAY + timedelta(days=day), "area": area, "position": position, "track_id": track_id}


@pytest.fixture
def ways(frame):
    def computed(*places, track_id="t", area="**"):
        rows = [row for row in transform(frame(DAILY_TOPS, *places)).collect() if row["track_id"] == track_id]
        chosen = [row for row in rows if row["area"] == area]
        return {(row["event_date"] - MONDAY).days: tuple(row[name] for name in WAY) for row in chosen}

    return computed


def test_a_row_is_the_one_of_the_daily_top_list_with_its_way(frame):
    counts = {"playback_count": 9, "play_count": 8, "skip_count": 1, "played_ms": 7, "listener_count": 3}
    clean = {"clean_playback_count": 6, "clean_play_count": 5, "clean_skip_count": 1, "clean_played_ms": 4}
    place = _place(4) | counts | clean | {"clean_listener_count": 2}

    (row,) = transform(frame(DAILY_TOPS, place)).collect()

    assert row.asDict() == place | dict(zip(WAY, (None, 4, 1, 1), strict=True))


def test_the_peak_is_the_best_up_to_the_day_and_not_what_comes_later(ways):
    assert ways(_place(5, 0), _place(2, 1), _place(9, 2), _place(1, 3)) == {
        0: (None, 5, 1, 1),
        1: (5, 2, 2, 1),
        2: (2, 2, 3, 1),
        3: (9, 1, 4, 1),
    }


def test_who_comes_back_after_a_gap_has_no_position_of_the_day_before_and_keeps_peak_and_days(ways):
    assert ways(_place(3, 0), _place(8, 2), _place(7, 3)) == {
        0: (None, 3, 1, 1),
        2: (None, 3, 2, 1),
        3: (8, 3, 3, 1),
    }


def test_weeks_begin_on_monday_also_over_new_year_and_a_gap_of_weeks_does_not_count(ways):
    friday = 4  # 1 January: of the week that began in December

    places = [_place(1, -1), _place(1, 0), _place(1, friday), _place(1, 7), _place(1, 7 + 21)]

    assert {day: way[3] for day, way in ways(*places).items()} == {-1: 1, 0: 2, friday: 2, 7: 3, 28: 4}


def test_the_week_of_the_same_number_a_year_later_is_another_week(ways):
    assert ways(_place(1, 7), _place(2, 371)) == {7: (None, 1, 1, 1), 371: (None, 1, 2, 2)}


def test_tracks_and_areas_do_not_follow_each_other(ways):
    places = [_place(1, 0, "u"), _place(2, 0), _place(7, 0, area="DE"), _place(1, 1), _place(2, 1, "u")]

    assert ways(*places)[1] == (2, 1, 2, 1)
    assert ways(*places, area="DE") == {0: (None, 7, 1, 1)}
    assert ways(*places, track_id="u")[1] == (1, 1, 2, 1)


def test_without_a_list_there_is_no_chart(ways):
    assert ways() == {}
