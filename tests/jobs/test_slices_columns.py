"""Periods, shares and slices as columns are those of `schemas.periods`."""

from datetime import date

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pyspark.sql import functions as F

from jobs.slice_columns import in_slices, period_start, share, slice_column
from schemas.errors import InputError
from schemas.model import ReplaceSlices
from schemas.periods import BEGINNING, PERIOD_KINDS, RANGES, SHARES, Slice, overlapping, slice_of, start_of

pytestmark = pytest.mark.slow_on_spark

ANNA, BEN = "a7" + "0" * 30, "0f" + "f" * 30
LISTENERS = [f"{byte:02x}" + "9" * 30 for byte in range(256)]
DAYS = st.lists(st.dates(BEGINNING, date(2100, 12, 31)), min_size=1, max_size=200)


@pytest.fixture
def rows(session):
    def of(*days_and_listeners):
        return session.createDataFrame(list(days_and_listeners), "event_date date, user_id string")

    return of


def test_periods_begin_where_the_calendar_says(rows):
    @settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
    @given(DAYS)
    @example([BEGINNING, date(2024, 2, 29), date(2026, 6, 30), date(2026, 7, 1), date(2026, 12, 31), date(2027, 1, 3)])
    def agree(days):
        starts = [period_start(kind).alias(kind) for kind in PERIOD_KINDS]
        found = rows(*((day, ANNA) for day in days)).select("event_date", *starts).collect()
        assert len(found) == len(days)
        for row in found:
            day = row["event_date"]
            assert row.asDict() == {"event_date": day} | {kind: start_of(kind, day) for kind in PERIOD_KINDS}

    agree()


def test_a_kind_of_period_that_there_is_not_is_no_column_of_nulls():
    with pytest.raises(InputError, match=r"^There is no kind of period 'decade': take one of day, week, "):
        period_start("decade")


def test_a_share_is_the_first_five_bits_of_the_listener(rows):
    found = rows(*((BEGINNING, listener) for listener in LISTENERS)).select("user_id", share().alias("share")).collect()

    assert {row["share"] for row in found} == set(SHARES)
    assert all(int(row["share"], 16) == int(row["user_id"][:2], 16) & 0b11111000 for row in found)


def test_slices_are_written_as_they_are_read(rows):
    day = date(2027, 1, 1)
    named = [slice_column(kind, by_share).alias(f"{kind} {by_share}") for kind in RANGES for by_share in (True, False)]

    (row,) = rows((day, ANNA)).select(*named).collect()

    assert [slice_of(text) for text in row] == [
        Slice(kind, start_of(kind, day), of_share) for kind in RANGES for of_share in ("a0", "")
    ]


def test_a_row_goes_once_into_each_slice_and_into_wanted_ones_only(rows):
    days = rows((date(2026, 12, 31), ANNA), (date(2027, 1, 1), ANNA), (date(2027, 1, 1), BEN))
    refresh = ReplaceSlices(kinds=("week", "month"))
    wanted = overlapping([Slice("month", date(2027, 1, 1), "a0")], refresh.kinds)

    def placed(wanted):
        found = in_slices(days, refresh, wanted).groupBy("slice").agg(F.count(F.lit(1)).alias("rows")).collect()
        return {row["slice"]: row["rows"] for row in found}

    assert placed(None) == {
        "week.2026-12-28.a0": 2,
        "week.2026-12-28.08": 1,
        "month.2026-12-01.a0": 1,
        "month.2027-01-01.a0": 1,
        "month.2027-01-01.08": 1,
    }
    assert placed(wanted) == {"week.2026-12-28.a0": 2, "month.2027-01-01.a0": 1}
    assert placed(set()) == {}
