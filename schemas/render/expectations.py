"""Great Expectations (1.24): what must hold of the rows of a table, derived from its declaration.

Each is `{"type": …, "kwargs": {…}, "meta": {"severity": "stop" | "warn", "means": …}}`, `means` only where declared.
"""

import hashlib
import json

from schemas.checks import AtMost, Between, InSet, Matches, RowCheck, Severity
from schemas.model import Table


def expectations(table: Table) -> list[dict[str, object]]:
    """The columns, the nulls, the key and the declared checks of a stored table, in that order."""
    names = [field.name for field in table.stored_fields]
    found = [_stop("expect_table_columns_to_match_set", {"column_set": names, "exact_match": True})]
    found += [
        _stop("expect_column_values_to_not_be_null", {"column": field.name})
        for field in table.stored_fields
        if not field.nullable
    ]
    if len(table.key) == 1:
        found.append(_stop("expect_column_values_to_be_unique", {"column": table.key[0]}))
    else:
        found.append(_stop("expect_compound_columns_to_be_unique", {"column_list": list(table.key)}))
    return found + [_of_check(check) for check in table.checks if isinstance(check, RowCheck)]


def expectations_digest(table: Table) -> str:
    """What differs when any expectation of the table does."""
    return hashlib.sha256(json.dumps(expectations(table), sort_keys=True).encode()).hexdigest()


def _of_check(check: RowCheck) -> dict[str, object]:
    match check:
        case InSet(column, values):
            kind = "expect_column_values_to_be_in_set"
            kwargs: dict[str, object] = {"column": column, "value_set": list(values)}
        case Between(column, minimum, maximum):
            kind = "expect_column_values_to_be_between"
            kwargs = {"column": column, "min_value": minimum, "max_value": maximum}
        case AtMost(column, limit_column):
            kind = "expect_column_pair_values_a_to_be_greater_than_b"
            kwargs = {"column_A": limit_column, "column_B": column, "or_equal": True}
        case Matches(column, pattern):
            kind = "expect_column_values_to_match_regex"
            kwargs = {"column": column, "regex": pattern}
    return _expectation(kind, kwargs, check.severity, check.means)


def _stop(kind: str, kwargs: dict[str, object]) -> dict[str, object]:
    return _expectation(kind, kwargs, "stop")


def _expectation(kind: str, kwargs: dict[str, object], severity: Severity, means: str = "") -> dict[str, object]:
    return {"type": kind, "kwargs": kwargs, "meta": {"severity": severity} | ({"means": means} if means else {})}
