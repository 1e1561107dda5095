"""What a check asks, in words that stay the same as long as it does: its name among results, and on pages."""

from collections.abc import Mapping
from typing import Any

from schemas.checks import AtMost, Between, Check, Fresh, InSet, Matches, References, Volume
from schemas.model import Table
from schemas.render.expectations import expectations


def checks_in_words(table: Table) -> dict[str, str]:
    """Every check of the table in words → its severity: those of every table first, then the declared ones."""
    derived = expectations(table)[: -len(_of_rows(table)) or None]
    found = {expectation_in_words(one): "stop" for one in derived}
    return found | {check_in_words(check): check.severity for check in table.checks}


def check_in_words(check: Check) -> str:
    """A declared check."""
    match check:
        case InSet(column, values):
            words = f"{column} is one of {', '.join(values)}"
        case Between(column, minimum, maximum):
            words = f"{column} is {_range(minimum, maximum)}"
        case AtMost(column, limit_column):
            words = f"{column} is at most {limit_column}"
        case Matches(column, pattern):
            words = f"{column} matches {pattern}"
        case References(column, to, to_column):
            words = f"{column} is a {to_column} of {to}"
        case Volume(weeks, minimum, maximum):
            words = f"yesterday has {minimum} to {maximum} % of the rows that its weekday had in {weeks} weeks"
        case Fresh(column, hours):
            words = f"the latest {column} is at most {hours} hours old"
    return words


def expectation_in_words(expectation: Mapping[str, Any]) -> str:
    """One of `expectations`, declared or of every table."""
    kwargs = expectation["kwargs"]
    match expectation["type"]:
        case "expect_table_columns_to_match_set":
            words = "the columns are those declared"
        case "expect_column_values_to_not_be_null":
            words = f"{kwargs['column']} is never null"
        case "expect_column_values_to_be_unique":
            words = f"{kwargs['column']} is unique"
        case "expect_compound_columns_to_be_unique":
            words = f"{', '.join(kwargs['column_list'])} is unique"
        case "expect_column_values_to_be_in_set":
            words = check_in_words(InSet(kwargs["column"], tuple(kwargs["value_set"])))
        case "expect_column_values_to_be_between":
            # Great Expectations gives whole numbers back as floats.
            low, high = (
                None if one is None else int(one) for one in (kwargs.get("min_value"), kwargs.get("max_value"))
            )
            words = check_in_words(Between(kwargs["column"], low, high))
        case "expect_column_pair_values_a_to_be_greater_than_b":
            words = check_in_words(AtMost(kwargs["column_B"], kwargs["column_A"]))
        case "expect_column_values_to_match_regex":
            words = check_in_words(Matches(kwargs["column"], kwargs["regex"]))
        case other:
            words = str(other)
    return words


def _range(minimum: int | None, maximum: int | None) -> str:
    if maximum is None:
        return f"at least {minimum}"
    return f"at most {maximum}" if minimum is None else f"{minimum} to {maximum}"


def _of_rows(table: Table) -> list[Check]:
    return [check for check in table.checks if not isinstance(check, References | Volume | Fresh)]
