"""Calendar periods, and slices: what of a statistics table is computed, written and published at once.

A slice is a period of one share of the listeners, or of all of them. It is the partition of its table, as text:
`week.2026-11-23.a8`, `year.2026-01-01` (of all listeners), `all_time.1970-01-01.08`. A share is the listeners whose
pseudonym begins with the same five bits: one of 32, whatever else is known of a listener.
"""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal, TypeGuard, get_args

from schemas.errors import InputError

PeriodKind = Literal["day", "week", "month", "quarter", "half_year", "year", "all_time"]
PERIOD_KINDS: tuple[PeriodKind, ...] = get_args(PeriodKind)
RANGES: tuple[PeriodKind, ...] = ("week", "month", "quarter", "half_year", "year", "all_time")
"""What statistics are asked for by."""

BEGINNING = date(1970, 1, 1)
"""Where all time begins: no playback is accepted that ended earlier."""

PartitionValue = date | str
"""Value of the column that a table is partitioned by: a date or, where it is replaced by slices, the slice as text."""

_MONTHS: dict[PeriodKind, int] = {"month": 1, "quarter": 3, "half_year": 6, "year": 12}

SHARES = tuple(f"{share:02x}" for share in range(0, 256, 8))
"""The shares of the listeners: the first byte of a pseudonym in hexadecimal, without its last three bits."""


@dataclass(frozen=True, order=True)
class Slice:
    """A period, by its kind and first day, of one of `SHARES`; of all listeners where `share` is empty."""

    kind: PeriodKind
    start: date
    share: str = ""

    def __str__(self) -> str:
        return f"{self.kind}.{self.start.isoformat()}" + (f".{self.share}" if self.share else "")

    @property
    def end(self) -> date:
        """The first day after it; of all time the last day that there is."""
        return end_of(self.kind, self.start)


def kind_named(name: str) -> PeriodKind:
    """The kind of period of that name; raises InputError where there is none."""
    if not _is_kind(name):
        raise InputError(f"There is no kind of period {name!r}: take one of {', '.join(PERIOD_KINDS)}.")
    return name


def slice_of(text: str) -> Slice:
    """The slice that is written so; raises InputError where none is."""
    name, _, rest = text.partition(".")
    kind = kind_named(name)
    start, *share = rest.split(".")
    # Only as it is written: partitions are compared as texts, and dates can be spelled in other ways.
    with suppress(ValueError):
        found = Slice(kind, date.fromisoformat(start), *share[:1])
        if str(found) == text and found.start == start_of(kind, found.start) and found.share in ("", *SHARES):
            return found
    raise InputError(
        f"{text!r} is no slice: one is written as the kind of a period, its first day and the share of the listeners, "
        f"such as {Slice('week', date(2026, 11, 23), 'a8')}."
    )


def start_of(kind: PeriodKind, day: date) -> date:
    """The first day of the period of that kind that `day` is in; weeks begin on Monday (ISO 8601)."""
    months = _MONTHS.get(kind_named(kind))
    if months:
        return date(day.year, day.month - (day.month - 1) % months, 1)
    if kind == "week":
        return day - timedelta(days=day.weekday())
    return day if kind == "day" else BEGINNING


def end_of(kind: PeriodKind, start: date) -> date:
    """The first day after the period that begins on `start`."""
    match kind_named(kind):
        case "day":
            return start + timedelta(days=1)
        case "week":
            return start + timedelta(days=7)
        case "all_time":
            return date.max
        case _:
            months = start.month - 1 + _MONTHS[kind]
            return date(start.year + months // 12, months % 12 + 1, 1)


def overlapping(touched: Iterable[Slice], kinds: Iterable[PeriodKind], by_share: bool = True) -> set[Slice]:
    """The slices of those kinds that have a day, and listeners, in common with one of `touched`."""
    return {
        Slice(kind, start, one.share if by_share else "")
        for one in set(touched)
        for kind in kinds
        for start in _starts(kind, one)
    }


def with_later(touched: Iterable[Slice], present: Iterable[Slice]) -> set[Slice]:
    """The touched slices, and of those that are present the ones of the same kind and share that begin later."""
    first: dict[tuple[PeriodKind, str], date] = {}
    for one in (found := set(touched)):
        first[one.kind, one.share] = min(one.start, first.get((one.kind, one.share), one.start))
    return found | {one for one in present if first.get((one.kind, one.share), date.max) < one.start}


def _is_kind(name: str) -> TypeGuard[PeriodKind]:
    return name in PERIOD_KINDS


def _starts(kind: PeriodKind, one: Slice) -> Iterable[date]:
    start = start_of(kind, one.start)
    while start < one.end:
        yield start
        start = end_of(kind, start)
