"""Row counts over time: no gap is hidden, and there are few enough bars to see."""

from datetime import date, timedelta

from tonearm.site.bars import Bar, by_time, svg

MONDAY = date(2026, 11, 2)


def test_days_without_rows_are_bars_of_zero() -> None:
    assert by_time({MONDAY: 2, MONDAY + timedelta(days=2): 3}) == (
        "day",
        [Bar("2026-11-02", 2), Bar("2026-11-03", 0), Bar("2026-11-04", 3)],
    )


def test_many_days_are_weeks_that_begin_on_monday_and_many_weeks_are_months() -> None:
    assert by_time({MONDAY: 1, MONDAY + timedelta(days=6): 2, MONDAY + timedelta(days=140): 4})[1][0] == Bar(
        "2026-11-02", 3
    )
    word, months = by_time({MONDAY: 1, MONDAY + timedelta(days=3000): 5})
    assert (word, months[0], months[-1].rows) == ("month", Bar("2026-11", 1), 5)


def test_a_far_first_date_is_not_lost() -> None:
    word, months = by_time({date(1999, 12, 31): 1, MONDAY: 2})
    assert (word, months[0].label, sum(bar.rows for bar in months)) == ("month", "1999-12", 3)


def test_the_highest_bar_fits_and_each_bar_says_what_it_is() -> None:
    picture = svg([Bar("2026-11-02", 1234), Bar("2026-11-03", 0)], "Rows by day")
    assert "<title>2026-11-02: 1,234 rows</title>" in picture
    assert 'y="-' not in picture
    assert ">1.6k<" in picture


def test_nothing_is_no_bars() -> None:
    assert by_time({}) == ("day", [])
