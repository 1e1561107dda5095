"""Backfill: dates of a table computed again from its inputs, and with them all that reads it.

It does what the next run would do if these dates had changed: one commit for each table, the same checks, the same
lock. Repeated it gives the same rows. It ends in the lake; the next run publishes what it changed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime

from infra.lake import Lake
from infra.settings import Settings
from infra.table_sizes import Extent, extent
from jobs.runner import Progress, Refreshed
from jobs.steps import opened, recording
from schemas import catalog
from schemas.errors import InputError, MissingInputError
from schemas.model import KeyedMerge, Table
from schemas.statistics import TAG

Dates = tuple[date, date]
"""First and last one."""


@dataclass(frozen=True)
class Rewrite:
    """One table that a backfill computes again, from date `first` to `last`; None both: as a whole.

    `replaced` is what of it there is now, `read` what its inputs are read for.
    """

    table: Table
    first: date | None
    last: date | None
    replaced: Extent
    read: Extent


def plan(lake: Lake, name: str, first: date, last: date, downstream: bool = False) -> list[Rewrite]:
    """What a backfill of the table `name` would rewrite, in order; nothing is written.

    Raises InputError for dates out of order or in the future and for a table that is not by date, UnknownTableError,
    and MissingInputError where a table has not been computed yet.
    """
    table = catalog.table(name)
    _require_dates(first, last)
    _require_by_date(table)
    within = {name: (first, last)}
    rewrites = [_rewrite(lake, table, first, last)]
    for reader in catalog.downstream(name).values() if downstream else ():
        if isinstance(reader.refresh, KeyedMerge):
            continue  # It follows the ledger, which no backfill changes.
        if not reader.is_derived or (TAG in reader.tags and lake.version(reader) is None):
            continue  # What a run writes down by itself; statistics may be left out.
        within[reader.full_name] = _dates_of_reader(reader, within)
        dates = within[reader.full_name] if reader.is_by_date else (None, None)
        rewrites.append(_rewrite(lake, reader, *dates))
    return rewrites


def backfill(settings: Settings, rewrites: list[Rewrite], on_progress: Progress | None = None) -> list[Refreshed]:
    """Do what was planned. Raises SupersededError while a run is at work, CheckFailedError and others as a run does."""
    say = on_progress or (lambda _what, _step: None)
    done = []
    with opened(settings, "backfill", say) as step, recording(step):
        runner = step.runner
        for one in rewrites:
            say(one.table.full_name, "backfill" if one.first else "refresh")
            with step.lineage.writing(one.table):
                if one.first and one.last:
                    done.append(runner.backfill(one.table, one.first, one.last))
                else:
                    done.append(runner.refresh(one.table))
    return done


def _dates_of_reader(reader: Table, within: Mapping[str, Dates]) -> Dates:
    """First and last date of a reader of tables that are rewritten `within` theirs."""
    followed = reader.inputs_by_date
    rewritten = [within[name] for name in followed if name in within]
    # What is read whole may be read for any date.
    if not rewritten or not within.keys().isdisjoint(set(reader.inputs) - set(followed)):
        return date.min, date.max
    return min(first for first, _ in rewritten), max(last for _, last in rewritten)


def _rewrite(lake: Lake, table: Table, first: date | None, last: date | None) -> Rewrite:
    inputs = [catalog.table(name) for name in table.inputs]
    for one in (table, *inputs):
        if lake.version(one) is None:
            raise MissingInputError(f"{one.full_name} has not been computed yet: run `tonearm run` first.")
    within = (first or date.min, last or date.max)
    read = Extent()
    for one in inputs:
        is_by_date = one.full_name in table.inputs_by_date and one.partition_by == table.partition_by
        read += extent(lake, one, *within) if is_by_date else extent(lake, one)
    return Rewrite(table, first, last, extent(lake, table, *within), read)


def _require_dates(first: date, last: date) -> None:
    today = datetime.now(UTC).date()
    if first > last:
        raise InputError(f"{first} is after {last}: give the earlier date first.")
    if last > today:
        raise InputError(f"{last} is in the future: today is {today} (UTC), give no later date.")


def _require_by_date(table: Table) -> None:
    if not table.has_dates:
        by_date = ", ".join(name for name, one in catalog.tables().items() if one.has_dates)
        raise InputError(f"{table.full_name} is not computed by date; these are: {by_date}.")
