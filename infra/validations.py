"""Rows asked what a declaration expects of them, and what was found of each table last.

The expectations are those of Great Expectations and what is kept is in its format, so that its renderers show it
(`tonearm.site.validations`). They are evaluated here: to import it takes a process 7 CPU seconds, and to evaluate with
it takes Spark a minute (ADR 0027). A test holds the verdicts and counts against its own.

Only counts are kept: examples of rows that break an expectation may name listeners.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from infra.replace_file import replace_file
from schemas.errors import ContractError
from schemas.model import Table
from schemas.render.expectations import expectations

_SHOWN_KEYS = 3
_COLUMNS = "expect_table_columns_to_match_set"
_UNIQUE = ("expect_column_values_to_be_unique", "expect_compound_columns_to_be_unique")
_OF_TABLE = (_COLUMNS, *_UNIQUE)
"""Expectations that are not asked of each row on its own."""


@dataclass(frozen=True)
class Evaluated:
    """One expectation of a table, the rows it was asked of, how many break it, and the keys of the first of those."""

    expectation: Mapping[str, Any]
    row_count: int
    unexpected_count: int
    unexpected_keys: tuple[dict[str, Any], ...] = ()

    @property
    def is_met(self) -> bool:
        """Whether no row breaks it."""
        return not self.unexpected_count


def evaluated(rows: DataFrame, table: Table) -> list[Evaluated]:
    """What is found of each expectation, in the order of the declaration.

    One query asks all that each row is asked on its own, another for the key (one engine does not take them as one).
    Only of those that do not hold a further one finds which rows they are.
    """
    asked = expectations(table)
    names = [f"broken_{position}" for position in range(len(asked))]
    of_rows = {name: _broken(one) for name, one in zip(names, asked, strict=True) if one["type"] not in _OF_TABLE}
    counts = [F.count(F.when(broken, True)).alias(name) for name, broken in of_rows.items()]
    found = rows.agg(F.count(F.lit(1)).alias("rows"), *counts).collect()[0].asDict()
    # Nothing null is summed: one engine plans that for rows of a single key and then refuses its own plan.
    of_repeated = F.when(F.col("count") > 1, F.col("count")).otherwise(0).alias("rows")
    repeated = _by_key(rows, table).select(of_repeated).agg(F.sum("rows")).collect()[0][0]
    undeclared = set(rows.columns) ^ {field.name for field in table.stored_fields}
    of_table = dict.fromkeys(_UNIQUE, repeated or 0) | {_COLUMNS: len(undeclared)}
    results = []
    for name, one in zip(names, asked, strict=True):
        count = of_table[one["type"]] if one["type"] in _OF_TABLE else found[name]
        keys = _keys(rows, table, of_rows.get(name)) if count and one["type"] != _COLUMNS else ()
        results.append(Evaluated(one, found["rows"], count, keys))
    return results


def together(parts: Sequence[Sequence[Evaluated]]) -> list[Evaluated]:
    """What is found of each expectation in all parts of the rows; no key is in two of them."""
    return [
        Evaluated(
            of_parts[0].expectation,
            sum(one.row_count for one in of_parts),
            sum(one.unexpected_count for one in of_parts),
            tuple(key for one in of_parts for key in one.unexpected_keys)[:_SHOWN_KEYS],
        )
        for of_parts in zip(*parts, strict=True)
    ]


def _broken(expectation: Mapping[str, Any]) -> Column:
    """Where a row breaks the expectation; what is null breaks only that it is not, and half a pair the pair."""
    kwargs = expectation["kwargs"]
    match expectation["type"]:
        case "expect_column_values_to_not_be_null":
            return F.col(kwargs["column"]).isNull()
        case "expect_column_values_to_be_in_set":
            return ~F.col(kwargs["column"]).isin(*kwargs["value_set"])
        case "expect_column_values_to_be_between":
            value, low, high = F.col(kwargs["column"]), kwargs["min_value"], kwargs["max_value"]
            sides = [*([] if low is None else [value < low]), *([] if high is None else [value > high])]
            return reduce(Column.__or__, sides, F.lit(False))
        case "expect_column_pair_values_a_to_be_greater_than_b":
            limit, value = F.col(kwargs["column_A"]), F.col(kwargs["column_B"])
            return F.coalesce(limit < value, limit.isNull() != value.isNull())
        case "expect_column_values_to_match_regex":
            return ~F.col(kwargs["column"]).rlike(kwargs["regex"])
        case other:
            raise ContractError(f"Nothing evaluates the expectation {other}: write that in infra/validations.py.")


def _keys(rows: DataFrame, table: Table, broken: Column | None) -> tuple[dict[str, Any], ...]:
    """Keys of some rows that meet the condition; without one, those that several rows have."""
    found = _by_key(rows, table).where(F.col("count") > 1) if broken is None else rows.where(broken)
    return tuple(row.asDict() for row in found.select(*table.key).limit(_SHOWN_KEYS).collect())


def _by_key(rows: DataFrame, table: Table) -> DataFrame:
    """How many rows have each key, as `count`."""
    return rows.groupBy(*table.key).count()


class Validations:
    """The last validation of each table in one home."""

    def __init__(self, home: Path) -> None:
        self._folder = home / "checks" / "validations"

    def keep(self, table_name: str, version: int, found: list[Evaluated]) -> None:
        """Keep what was found of one version of the table, instead of the last one."""
        self._folder.mkdir(parents=True, exist_ok=True)
        validation = {
            "success": all(one.is_met for one in found),
            "statistics": _statistics(found),
            "results": [_result(one) for one in found],
            "suite_name": table_name,
            "meta": {"table_version": version},
        }
        replace_file(self._folder / f"{table_name}.json", json.dumps(validation))

    def last(self, table_name: str) -> dict[str, Any] | None:
        """The last one, as a suite's result of Great Expectations in JSON; None where there was none yet."""
        try:
            found: dict[str, Any] = json.loads((self._folder / f"{table_name}.json").read_text())
        except FileNotFoundError:
            return None
        return found


def _statistics(found: list[Evaluated]) -> dict[str, float]:
    met = sum(one.is_met for one in found)
    return {
        "evaluated_expectations": len(found),
        "successful_expectations": met,
        "unsuccessful_expectations": len(found) - met,
        "success_percent": 100 * met / max(len(found), 1),
    }


def _result(one: Evaluated) -> dict[str, Any]:
    counts = {
        "element_count": one.row_count,
        "unexpected_count": one.unexpected_count,
        "unexpected_percent": 100 * one.unexpected_count / max(one.row_count, 1),
    }
    return {
        "success": one.is_met,
        "expectation_config": {**one.expectation},
        "result": {} if one.expectation["type"] == _COLUMNS else counts,
        "meta": {},
        "exception_info": {"raised_exception": False, "exception_message": None, "exception_traceback": None},
    }
