"""The truth table of what counts, row by row."""

from datetime import date

import pyarrow as pa
import pytest

from playback.rules import RULES, PlayRule, apply_rules

DAY = date(2024, 5, 2)
TABLE = [
    # outcome, ms_played, counts_as_play, is_skip, skip_inferred
    ("play", 30_000, True, False, False),
    ("play", 29_999, False, False, False),
    ("play", 0, False, False, False),
    ("skip", 30_000, True, True, False),
    ("skip", 29_999, False, True, False),
    ("skip", 0, False, True, False),
    (None, 30_000, True, False, False),
    (None, 29_999, False, True, True),
    (None, 0, False, True, True),
    (None, 86_400_000, True, False, False),
]


def judged(
    outcomes: list[str | None],
    heard: list[int | None],
    days: list[date | None],
    rules: tuple[PlayRule, ...] = RULES,
) -> list[tuple[object, ...]]:
    ruling = apply_rules(
        pa.array(outcomes, pa.string()), pa.array(heard, pa.int64()), pa.array(days, pa.date32()), rules
    )
    columns = (ruling.rule_version, ruling.counts_as_play, ruling.is_skip, ruling.skip_inferred)
    return list(zip(*(column.to_pylist() for column in columns), strict=True))


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row[0]} of {row[1]} ms")
def test_what_the_client_reported_and_heard_decides(row: tuple[str | None, int, bool, bool, bool]) -> None:
    outcome, ms_played, *expected = row
    assert judged([outcome], [ms_played], [DAY]) == [("v1", *expected)]


def test_the_rows_of_a_batch_are_judged_each_by_itself() -> None:
    outcomes, heard = [row[0] for row in TABLE], [row[1] for row in TABLE]
    assert judged(outcomes, heard, [DAY] * len(TABLE)) == [("v1", *row[2:]) for row in TABLE]


def test_the_version_in_force_on_the_date_of_the_event_applies() -> None:
    rules = (PlayRule("v1", date(1970, 1, 1), 30_000), PlayRule("v2", date(2024, 5, 2), 10_000))
    days = [date(2024, 5, 1), date(2024, 5, 2), date(2030, 1, 1), date(1960, 1, 1)]
    assert judged(["play"] * 4, [20_000] * 4, days, rules) == [
        ("v1", False, False, False),
        ("v2", True, False, False),
        ("v2", True, False, False),
        ("v1", False, False, False),
    ]


def test_a_row_that_is_no_event_gets_nulls() -> None:
    assert judged([None, "play"], [None, 30_000], [None, DAY]) == [(None,) * 4, ("v1", True, False, False)]


def test_versions_are_in_order_of_their_dates_and_cover_every_event() -> None:
    dates = [rule.valid_from for rule in RULES]
    assert dates == sorted(set(dates))
    assert dates[0] <= date(2006, 1, 1)
