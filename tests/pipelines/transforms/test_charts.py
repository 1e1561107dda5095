"""Rolling charts from closed minutes."""

from datetime import timedelta

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from pipelines.transforms.cells import EMPTY_CELLS
from pipelines.transforms.charts import NO_CHARTS, RollingCharts
from tests.pipelines.conftest import NOON, NOON_US

MINUTE = 60_000_000


def cells(*rows: tuple[int, str, int]) -> pa.Table:
    """Minute after noon, track and plays."""
    made = [
        {"window_start": NOON + timedelta(minutes=minute), "country": "DE", "track_id": track, "play_count": plays}
        | {"skip_count": 0, "listener_count": 1}
        for minute, track, plays in rows
    ]
    return pa.Table.from_pylist(made, EMPTY_CELLS.schema)


def shown(rows: pa.Table, hours: int) -> list[tuple[int, str, int]]:
    chosen = [row for row in rows.to_pylist() if row["window_hours"] == hours]
    return sorted((row["position"], row["track_id"], row["play_count"]) for row in chosen)


def test_the_most_played_comes_first_and_ties_go_by_track() -> None:
    charts = RollingCharts(EMPTY_CELLS, NO_CHARTS)
    charts.add(cells((0, "b", 2), (0, "c", 2), (1, "a", 1), (1, "c", 1), (2, "none", 0)))
    rows, gone = charts.changes(NOON_US + 5 * MINUTE)
    assert shown(rows, 1) == shown(rows, 24) == [(1, "c", 3), (2, "b", 2), (3, "a", 1)]
    assert gone.num_rows == 0


def test_an_hour_is_over_before_a_day_is_and_only_what_changed_is_given_out() -> None:
    charts = RollingCharts(EMPTY_CELLS, NO_CHARTS)
    charts.add(cells((0, "a", 9), (1, "b", 1)))
    charts.changes(NOON_US + 2 * MINUTE)
    rows, gone = charts.changes(NOON_US + 61 * MINUTE)
    assert shown(rows, 1) == [(1, "b", 1)]
    assert shown(rows, 24) == []
    assert gone.to_pylist() == [{"country": "DE", "window_hours": 1, "position": 2}]


def test_rows_that_do_not_change_are_given_out_again_each_day() -> None:
    """The stores drop a row some days after its last write: one that is still true must not be among them."""
    charts = RollingCharts(EMPTY_CELLS, NO_CHARTS)
    given = []
    for hour in range(48):
        charts.add(cells((60 * hour, "a", 1)))
        rows, gone = charts.changes(NOON_US + (60 * hour + 1) * MINUTE)
        given += [hour for _ in shown(rows, 1)]
        assert gone.num_rows == 0
    assert given == [0, 12, 36]


def test_a_chart_holds_a_hundred() -> None:
    charts = RollingCharts(EMPTY_CELLS, NO_CHARTS)
    charts.add(cells(*((0, f"t{n:03}", 1_000 - n) for n in range(120))))
    rows, _ = charts.changes(NOON_US + MINUTE)
    assert shown(rows, 1)[-1] == (100, "t099", 901)


def test_a_new_life_goes_on_from_the_closed_cells_and_clears_what_is_stored_and_no_more() -> None:
    first = RollingCharts(EMPTY_CELLS, NO_CHARTS)
    first.add(cells((0, "a", 2), (0, "b", 1)))
    stored, _ = first.changes(NOON_US + MINUTE)
    second = RollingCharts(cells((0, "a", 2)), stored)
    second.add(cells((1, "c", 3)))
    rows, gone = second.changes(NOON_US + 2 * MINUTE)
    assert shown(rows, 1) == [(1, "c", 3), (2, "a", 2)]
    assert gone.num_rows == 0
    rows, gone = second.changes(NOON_US + 26 * 60 * MINUTE)
    assert rows.num_rows == 0
    assert len(gone) == 4


minutes = st.lists(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 3)), max_size=3), max_size=100)


@given(minutes)
def test_sums_that_are_kept_up_are_those_of_the_minutes_within(drawn: list[list[tuple[str, int]]]) -> None:
    charts = RollingCharts(EMPTY_CELLS, NO_CHARTS)
    stored: dict[int, tuple[str, int]] = {}
    for minute, plays in enumerate(drawn):
        charts.add(cells(*((minute, track, count) for track, count in dict(plays).items())))
        rows, gone = charts.changes(NOON_US + (minute + 1) * MINUTE)
        stored |= {position: (track, count) for position, track, count in shown(rows, 1)}
        for row in gone.to_pylist():
            if row["window_hours"] == 1:
                del stored[row["position"]]
    sums: dict[str, int] = {}
    for plays in drawn[-60:]:
        for track, count in dict(plays).items():
            sums[track] = sums.get(track, 0) + count
    expected = sorted((-count, track) for track, count in sums.items() if count)
    assert [stored[position] for position in sorted(stored)] == [(track, -count) for count, track in expected]
