"""Calendar periods and slices."""

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import InputError
from schemas.periods import (
    BEGINNING,
    PERIOD_KINDS,
    RANGES,
    SHARES,
    PeriodKind,
    Slice,
    end_of,
    overlapping,
    slice_of,
    start_of,
    with_later,
)

DAYS = st.dates(BEGINNING, date(2100, 12, 31))
KINDS = st.sampled_from(PERIOD_KINDS)


@pytest.mark.parametrize(
    ("kind", "day", "first", "after"),
    [
        ("day", date(2024, 2, 29), date(2024, 2, 29), date(2024, 3, 1)),
        ("week", date(2026, 12, 31), date(2026, 12, 28), date(2027, 1, 4)),
        ("week", date(2027, 1, 3), date(2026, 12, 28), date(2027, 1, 4)),
        ("week", date(2027, 1, 4), date(2027, 1, 4), date(2027, 1, 11)),
        ("week", date(2024, 3, 3), date(2024, 2, 26), date(2024, 3, 4)),
        ("week", BEGINNING, date(1969, 12, 29), date(1970, 1, 5)),
        ("month", date(2024, 2, 29), date(2024, 2, 1), date(2024, 3, 1)),
        ("month", date(2026, 12, 31), date(2026, 12, 1), date(2027, 1, 1)),
        ("quarter", date(2026, 3, 31), date(2026, 1, 1), date(2026, 4, 1)),
        ("quarter", date(2026, 12, 1), date(2026, 10, 1), date(2027, 1, 1)),
        ("half_year", date(2026, 6, 30), date(2026, 1, 1), date(2026, 7, 1)),
        ("half_year", date(2026, 7, 1), date(2026, 7, 1), date(2027, 1, 1)),
        ("year", date(2024, 12, 31), date(2024, 1, 1), date(2025, 1, 1)),
        ("all_time", date(2026, 7, 1), BEGINNING, date.max),
    ],
)
def test_a_period_has_a_first_day_and_a_first_day_after_it(
    kind: PeriodKind, day: date, first: date, after: date
) -> None:
    assert (start_of(kind, day), end_of(kind, first)) == (first, after)
    assert Slice(kind, first).end == after


@given(KINDS, DAYS)
def test_a_day_lies_in_exactly_one_period_of_each_kind(kind: PeriodKind, day: date) -> None:
    first = start_of(kind, day)
    after = end_of(kind, first)

    assert first <= day < after
    assert start_of(kind, first) == start_of(kind, after - timedelta(days=1)) == first
    if kind != "all_time":
        assert start_of(kind, after) == after
        assert start_of(kind, first - timedelta(days=1)) < first


@given(KINDS, DAYS, st.sampled_from(["", *SHARES]))
def test_a_slice_is_read_back_as_it_is_written(kind: PeriodKind, day: date, share: str) -> None:
    one = Slice(kind, start_of(kind, day), share)

    assert slice_of(str(one)) == one


def test_a_slice_is_written_as_kind_first_day_and_share() -> None:
    assert str(Slice("half_year", date(2026, 7, 1), "a8")) == "half_year.2026-07-01.a8"
    assert str(Slice("all_time", BEGINNING)) == "all_time.1970-01-01"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "week",
        "week.",
        "2026-11-23",
        "fortnight.2026-11-23",
        "Week.2026-11-23",
        "week.2026-11-23.",
        "week.2026-11-23.a9",
        "week.2026-11-23.A8",
        "week.2026-11-23.a8.a8",
        "month.2026-02-30",
        "month.2026-2-1",
        "month.20260201",
        "week.2026-W48-1",
        "week.2026-11-24",
        "month.2026-02-02.00",
        "half_year.2026-04-01",
        "all_time.1970-01-02",
        "week.2026-11-23' OR 'a",
        "__HIVE_DEFAULT_PARTITION__",
    ],
)
def test_what_is_no_slice_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        slice_of(text)


@pytest.mark.parametrize("kind", ["decade", "this_week", "Week", ""])
def test_a_kind_of_period_that_there_is_not_is_one_sentence_with_those_there_are(kind: Any) -> None:
    said = f"There is no kind of period {kind!r}: take one of day, week, month, quarter, half_year, year, all_time."
    for refused in (
        lambda: slice_of(f"{kind}.2026-11-23"),
        lambda: start_of(kind, date(2026, 11, 23)),
        lambda: end_of(kind, date(2026, 11, 23)),
        lambda: overlapping([Slice("day", date(2026, 11, 23))], [kind]),
    ):
        with pytest.raises(InputError) as raised:
            refused()
        assert str(raised.value) == said


def test_what_is_no_slice_of_a_kind_that_there_is_is_one_sentence_with_one_that_is() -> None:
    with pytest.raises(InputError) as raised:
        slice_of("week.2026-11-24")
    assert str(raised.value) == (
        "'week.2026-11-24' is no slice: one is written as the kind of a period, its first day and the share of the "
        "listeners, such as week.2026-11-23.a8."
    )


def test_a_day_touches_one_slice_of_each_kind_of_its_share() -> None:
    touched = [Slice("day", date(2027, 1, 1), "08")]

    assert set(map(str, overlapping(touched, RANGES))) == {
        "week.2026-12-28.08",
        "month.2027-01-01.08",
        "quarter.2027-01-01.08",
        "half_year.2027-01-01.08",
        "year.2027-01-01.08",
        "all_time.1970-01-01.08",
    }


def test_a_month_touches_all_weeks_that_it_has_a_day_of() -> None:
    may = Slice("month", date(2026, 5, 1), "08")  # Friday to Sunday
    february = Slice("month", date(2027, 2, 1), "08")  # four whole weeks

    assert {one.start.isoformat() for one in overlapping([may], ["week"])} == {
        "2026-04-27",
        "2026-05-04",
        "2026-05-11",
        "2026-05-18",
        "2026-05-25",
    }
    assert {one.start.day for one in overlapping([february], ["week"])} == {1, 8, 15, 22}


def test_shares_are_one_where_cells_are_of_all_listeners() -> None:
    touched = [Slice("month", date(2026, 5, 1), "08"), Slice("month", date(2026, 5, 1), "f8")]

    assert set(map(str, overlapping(touched, ["month"]))) == {"month.2026-05-01.08", "month.2026-05-01.f8"}
    assert set(map(str, overlapping(touched, ["month"], by_share=False))) == {"month.2026-05-01"}


def test_nothing_touches_nothing() -> None:
    assert overlapping([], RANGES) == set()
    assert overlapping([Slice("month", date(2026, 5, 1))], []) == set()


DATED_KINDS = [kind for kind in PERIOD_KINDS if kind != "all_time"]
TOUCHED = st.builds(
    lambda kind, day, share: Slice(kind, start_of(kind, day), share),
    st.sampled_from(DATED_KINDS),
    st.dates(date(2023, 12, 1), date(2025, 1, 31)),
    st.sampled_from(["", "00", "f8"]),
)


@given(st.lists(TOUCHED, max_size=3), st.sets(KINDS, max_size=3), st.booleans())
def test_slices_overlap_that_have_a_day_in_common(touched: list[Slice], kinds: set[PeriodKind], by_share: bool) -> None:
    expected = set()
    for one in touched:
        for number in range((one.end - one.start).days):
            day = one.start + timedelta(days=number)
            expected |= {Slice(kind, start_of(kind, day), one.share if by_share else "") for kind in kinds}

    assert overlapping(touched, kinds, by_share) == expected


def test_there_are_32_shares_of_the_first_byte() -> None:
    assert len(SHARES) == 32
    assert {int(share, 16) & 0b111 for share in SHARES} == {0}


def year(number: int, share: str = "08") -> Slice:
    return Slice("year", date(number, 1, 1), share)


def test_later_slices_are_those_of_the_same_share_and_kind_that_are_present() -> None:
    others = {year(2025, "a8"), Slice("month", date(2025, 1, 1), "08"), year(2022)}
    assert with_later({year(2023), year(2024)}, {year(2024), year(2026), *others}) == {
        year(2023),
        year(2024),
        year(2026),
    }


def test_nothing_is_later_than_nothing() -> None:
    assert with_later(set(), {year(2024)}) == set()
