"""Dates that commands are given: what the calendar does not have is one sentence."""

from datetime import date

import pytest

from tonearm.app import run
from tonearm.dates import day

NOT_THERE = ["2026-02-30", "2025-02-29", "2026-13-01", "2026-00-10", "0000-01-01", "20261101", "2026-W10-1",
             "30.11.2026", "2026-11", "tomorrow", "", " 2026-11-01", "2026-11-01T00:00"]  # fmt: skip


def test_a_date_is_year_month_and_day() -> None:
    assert day("2028-02-29") == date(2028, 2, 29)


@pytest.mark.parametrize("text", NOT_THERE)
@pytest.mark.parametrize(
    "arguments",
    [
        ["backfill", "silver.plays", "{}", "2026-11-30"],
        ["backfill", "silver.plays", "2026-11-30", "{}"],
        ["recount", "--rule", "v1", "--since", "{}"],
    ],
    ids=["first", "last", "since"],
)
def test_a_date_that_does_not_exist_is_one_sentence_that_says_what_to_give(
    arguments: list[str], text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([one.format(text) for one in arguments]) == 1
    said = f"There is no date {text!r}: give one that the calendar has, such as 2026-11-30.\n"
    assert capsys.readouterr() == ("", said)
