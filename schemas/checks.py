"""Checks that a declaration asks of its table: of each row, or of the table as a whole."""

from dataclasses import dataclass
from typing import Literal

Severity = Literal["stop", "warn"]


@dataclass(frozen=True)
class InSet:
    """Every value of `column` is null or one of `values`."""

    column: str
    values: tuple[str, ...]
    severity: Severity = "stop"
    means: str = ""


@dataclass(frozen=True)
class Between:
    """Every value of `column` is null or within `minimum` and `maximum`, both included; None leaves a side open."""

    column: str
    minimum: int | None = None
    maximum: int | None = None
    severity: Severity = "stop"
    means: str = ""


@dataclass(frozen=True)
class AtMost:
    """In every row `column` is not above `limit_column`; either both are null or none is."""

    column: str
    limit_column: str
    severity: Severity = "stop"
    means: str = ""


@dataclass(frozen=True)
class Matches:
    """Every value of `column` is null or matches the regular expression."""

    column: str
    pattern: str
    severity: Severity = "stop"
    means: str = ""


@dataclass(frozen=True)
class References:
    """Every value of `column` is null or a value of `to_column` of the table `to`, which is computed before."""

    column: str
    to: str
    to_column: str
    severity: Severity = "stop"
    means: str = ""


@dataclass(frozen=True)
class Volume:
    """Yesterday (UTC) has rows within these bounds, in percent of the median of its weekday in the `weeks` before.

    Not judged where fewer than two of those days have rows, or their median has fewer than `at_least_rows`.
    """

    weeks: int = 4
    minimum_percent: int = 50
    maximum_percent: int = 200
    at_least_rows: int = 1000
    severity: Severity = "warn"
    means: str = ""


@dataclass(frozen=True)
class Fresh:
    """The latest value of `column` (a UTC timestamp) is at most `hours` old at the moment of the check."""

    column: str
    hours: int
    severity: Severity = "warn"
    means: str = ""


RowCheck = InSet | Between | AtMost | Matches
"""Asked of each row on its own."""

TableCheck = References | Volume | Fresh
"""Asked of a table as a whole, and of the moment."""

Check = RowCheck | TableCheck
"""Declared checks; types, nulls and the uniqueness of the key are checked for every table without saying so.

`means` says after "3 row(s)" what that is and what to do, where a person would not read it from the check itself.
"""
