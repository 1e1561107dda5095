"""Great Expectations suites derived from declarations."""

import pytest

from schemas.catalog import tables
from schemas.checks import AtMost, Between, InSet, Matches
from schemas.model import Field, ReplaceAll, Table
from schemas.render.expectations import expectations

STOP = {"severity": "stop"}
TABLE = Table(
    layer="gold",
    name="days",
    description="Days.",
    grain="one row per date and country",
    key=("event_date", "country"),
    refresh=ReplaceAll(),
    inputs=("silver.plays",),
    fields=(
        Field("event_date", "date", "Date."),
        Field("country", "string", "Country."),
        Field("n", "int", "N.", True),
    ),
    checks=(
        InSet("country", ("DE", "SE")),
        Between("n", 0, 9, severity="warn"),
        Between("n", 1),
        AtMost("n", "n"),
        Matches("country", "^[A-Z]{2}$"),
    ),
)


def test_columns_nulls_and_key_are_checked_without_being_declared() -> None:
    columns = ["event_date", "country", "n", "input_positions"]
    assert expectations(TABLE)[:5] == [
        {
            "type": "expect_table_columns_to_match_set",
            "kwargs": {"column_set": columns, "exact_match": True},
            "meta": STOP,
        },
        {"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "event_date"}, "meta": STOP},
        {"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "country"}, "meta": STOP},
        {"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "input_positions"}, "meta": STOP},
        {
            "type": "expect_compound_columns_to_be_unique",
            "kwargs": {"column_list": ["event_date", "country"]},
            "meta": STOP,
        },
    ]


def test_each_declared_check_has_its_expectation_and_severity() -> None:
    assert expectations(TABLE)[5:] == [
        {
            "type": "expect_column_values_to_be_in_set",
            "kwargs": {"column": "country", "value_set": ["DE", "SE"]},
            "meta": STOP,
        },
        {
            "type": "expect_column_values_to_be_between",
            "kwargs": {"column": "n", "min_value": 0, "max_value": 9},
            "meta": {"severity": "warn"},
        },
        {
            "type": "expect_column_values_to_be_between",
            "kwargs": {"column": "n", "min_value": 1, "max_value": None},
            "meta": STOP,
        },
        {
            "type": "expect_column_pair_values_a_to_be_greater_than_b",
            "kwargs": {"column_A": "n", "column_B": "n", "or_equal": True},
            "meta": STOP,
        },
        {
            "type": "expect_column_values_to_match_regex",
            "kwargs": {"column": "country", "regex": "^[A-Z]{2}$"},
            "meta": STOP,
        },
    ]


def test_a_check_can_say_what_it_means_when_it_fails() -> None:
    (said,) = [one["meta"] for one in expectations(tables()["gold.event_balance"]) if "means" in one["meta"]]  # type: ignore[operator]
    assert said == {"severity": "stop", "means": "do not add up, see `tonearm balance`"}


def test_a_key_of_one_column_is_unique_by_itself() -> None:
    kinds = {one["type"]: one["kwargs"] for one in expectations(tables()["silver.plays"])}
    assert kinds["expect_column_values_to_be_unique"] == {"column": "event_id"}
    assert "expect_compound_columns_to_be_unique" not in kinds


@pytest.mark.parametrize("name", tables())
def test_great_expectations_takes_the_suite_of_every_table(name: str) -> None:
    gx = pytest.importorskip("great_expectations", reason="the batch extra is not installed")
    suite = gx.ExpectationSuite(name=name, expectations=expectations(tables()[name]))
    assert len(suite.expectations) == len(expectations(tables()[name]))
