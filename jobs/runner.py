"""The one runner: for each table in order read → transform → conform and write in one commit → check.

What is new is found from the table's own rows (`jobs.positions`), so a run that died anywhere is finished by running
again. Checks run on what was committed, before anything reads it: a table whose current version has not passed stops
everything downstream and is never published (ADR 0006).
"""

import time
from collections.abc import Callable, Collection
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import date

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from infra.checks import Checker
from infra.delta_writer import DeltaWriter, first_of_key
from infra.lake import Lake
from infra.lake_shape import RECOMPUTE, is_to_be_recomputed, set_property
from infra.settings import ROUND_ROWS
from jobs import followed, positions
from jobs.inputs import Inputs, remembering, with_positions
from jobs.slices import replace_slices
from jobs.transforms import transform_of
from jobs.verdicts import Verdicts
from playback.framing import WriterSchemas
from schemas import catalog
from schemas.model import KeyedMerge, ReplaceAll, ReplaceDates, ReplaceSlices, Table
from schemas.statistics import TAG

Progress = Callable[[str, str], None]
Around = Callable[[Table], AbstractContextManager[object]]
Recomputed = tuple[DataFrame, set[date]]
"""Rows, and all dates that they replace; a date may have no rows any more."""


@dataclass(frozen=True)
class Refreshed:
    """What one refresh did: the table, its version afterwards, how many partitions it replaced (None: all), seconds."""

    table: Table
    version: int
    changed: bool
    partitions: int | None
    seconds: float


class Runner:
    """Refreshes derived tables of one lake on one engine session.

    `schemas` says what the ids of a schema registry name (`playback.framing`); None: there is no registry. What is of
    more than `round_rows` rows is computed in rounds (`jobs.rounds`), where it can be. `others` is a session for tables
    that neither have payloads nor read any.
    """

    def __init__(
        self,
        session: SparkSession,
        lake: Lake,
        checker: Checker,
        schemas: WriterSchemas | None = None,
        round_rows: int = ROUND_ROWS,
        others: SparkSession | None = None,
    ) -> None:
        self._others = Runner(others, lake, checker, schemas, round_rows) if others else self
        self._session = session
        self._lake = lake
        self._inputs = Inputs(session, lake)
        self._writer = DeltaWriter(session, lake)
        self._checker = checker
        self._verdicts = Verdicts(self._writer, schemas)
        self._round_rows = round_rows
        self._merged: dict[str, str] = {}

    def refresh_all(
        self, on_progress: Progress | None = None, around: Around = nullcontext, statistics: bool = False
    ) -> list[Refreshed]:
        """Refresh and check every derived table, each after its inputs; stops at the first failed check.

        Without `statistics` the tables of these are left as they are.

        `around` is entered around each refresh, with the table.
        """
        done = []
        for table in catalog.tables().values():
            if not table.is_derived or (TAG in table.tags and not statistics):
                continue
            if on_progress:
                on_progress(table.full_name, "refresh")
            with around(table):
                done.append(self.refresh(table))
        return done

    def refresh(self, table: Table) -> Refreshed:
        """Bring one table up to date with its inputs and check what changed.

        Raises MissingInputError when an input does not exist, ContractError and CheckFailedError as they say.
        """
        if (runner := self._of(table)) is not self:
            return runner.refresh(table)
        started = time.perf_counter()
        self._inputs.prepare(table)
        self._lake.create(table)
        before = self._lake.version(table)
        partitions = _REFRESH[type(table.refresh)](self, table, before)
        if is_to_be_recomputed(self._lake, table):
            set_property(self._lake, table, RECOMPUTE, "false")
        version = self._lake.version(table)
        assert version is not None
        self._checker.verify(self._session, self._lake, table, version)
        return Refreshed(table, version, version != before, partitions, time.perf_counter() - started)

    def refresh_alone(self, table: Table) -> Refreshed:
        """Refresh a table where those before it were refreshed in other processes, and an ingest may have come since.

        Beside a ledger it reads what is merged from that: these are to say the same, so that what has come is merged
        first.
        """
        for one in map(catalog.table, table.inputs):
            if isinstance(one.refresh, KeyedMerge) and not one.refresh.remembered_by and one.inputs[0] in table.inputs:
                self.refresh(one)
        return self.refresh(table)

    def backfill(self, table: Table, first: date, last: date) -> Refreshed:
        """Compute the dates `first` to `last` of a table that is by date again, in one commit, and check them.

        Other dates' files stay. What else there is to consume is left to the next refresh. Raises as `refresh` does.
        """
        if (runner := self._of(table)) is not self:
            return runner.backfill(table, first, last)
        started = time.perf_counter()
        for name in (*table.inputs, table.full_name):
            self._inputs.require(name)
        before = self._lake.version(table)
        rows, dates = _BACKFILL[type(table.refresh)](self, table, first, last)
        self._writer.replace_partitions(table, rows, dates, before)
        version = self._lake.version(table)
        assert version is not None
        self._checker.verify(self._session, self._lake, table, version)
        return Refreshed(table, version, version != before, len(dates), time.perf_counter() - started)

    def _of(self, table: Table) -> "Runner":
        """The one with the session for that table."""
        return self if catalog.reads_payloads(table) else self._others

    def _dates_again(self, table: Table, first: date, last: date) -> Recomputed:
        there = self._all_days(table)
        dates = {day for day in there if first <= day <= last}
        until = followed.current(self._lake, table)
        rows = self._of_dates(table, until, dates)
        consumed = followed.furthest(table, self._inputs.consumed(table))
        # The furthest position of any row is the table's: it may move on only if no other date has anything pending.
        pending = followed.pending(self._inputs, table, consumed, until)
        reached = until if (there if pending is None else pending) <= dates else consumed
        return with_positions(rows, dict(reached)), dates

    def _merged_again(self, table: Table, first: date, last: date) -> Recomputed:
        """All that was consumed of the ledger: a record of any time may hold, or take, an event's place."""
        ledger = catalog.table(table.inputs[0])
        consumed = self._merged_so_far(table)
        records = self._inputs.read(ledger).where(~positions.past(consumed))
        verdicts = self._verdicts.of(ledger, records, positions.encoded({"from": {}, "to": consumed}))
        rows = first_of_key(
            table, transform_of(table)(**({ledger.name: verdicts} | self._inputs.whole(table.inputs[1:])))
        )
        within = rows.where(F.col(str(table.partition_by)).between(first, last))
        # Computed once; and an engine might ask the guard of rows that the condition has not left out yet.
        self._writer.stage(table.full_name, with_positions(within, {ledger.full_name: consumed}))
        staged = self._writer.staged(table.full_name, table.stored_fields)
        found = {row[0] for row in staged.select(str(table.partition_by)).distinct().collect()}
        return staged, {day for day in self._days(table) if first <= day <= last} | found

    def _all_days(self, table: Table) -> set[date]:
        """Dates of the table and of what it follows."""
        return set().union(*(self._days(one) for one in (*followed.inputs(table), table)))

    def _days(self, table: Table) -> set[date]:
        return {value for value in self._lake.partitions(table) if isinstance(value, date)}

    def _keyed_merge(self, table: Table, before: int | None) -> int | None:
        """In portions; a table that another one remembers for gets the first one here, and the others from that one."""
        changed: int | None = 0
        while self._merge_portion(table, before):
            changed, before = None, self._lake.version(table)
            if remembering(table):
                break
        return changed

    def _merge_portion(self, table: Table, before: int | None) -> bool:
        """Merge what comes next in the ledger; whether there was anything."""
        ledger, consumed = catalog.table(table.inputs[0]), self._merged_so_far(table)
        source = self._inputs.read(ledger)
        new = source.where(positions.past(consumed))
        # Bounded above too: what is appended to the ledger meanwhile belongs to the next run.
        reached = consumed | positions.portion(new, self._round_rows)
        extent = positions.encoded({"from": consumed, "to": reached})
        if reached == consumed or self._merged.get(table.full_name) == extent:
            return False
        self._merge_others(table, extent)
        verdicts = self._verdicts.of(ledger, new.where(~positions.past(reached)), extent)
        rows = transform_of(table)(**({ledger.name: verdicts} | self._inputs.whole(table.inputs[1:])))
        self._writer.merge(table, with_positions(rows, {ledger.full_name: reached}), before)
        if self._lake.version(table) == before:
            positions.remember(self._lake, table, {ledger.full_name: reached})  # No row has come that could say it.
        self._merged[table.full_name] = extent
        return True

    def _merged_so_far(self, table: Table) -> positions.Offsets:
        memory = catalog.table(remembering(table) or table.full_name)
        return positions.offsets(positions.stored(self._session, self._lake, memory).get(table.inputs[0], []))

    def _merge_others(self, table: Table, extent: str) -> None:
        """Merge the same records into the tables that `table` remembers for, unless that is done.

        What it has consumed they never look at again; and between their refresh and its own, in another process, more
        may have come into the ledger.
        """
        for other in catalog.remembered_for(table, catalog.tables()):
            if self._merged.get(other.full_name) != extent:
                self.refresh(other)

    def _replace_dates(self, table: Table, before: int | None) -> int | None:
        until = followed.current(self._lake, table)
        consumed = followed.furthest(table, self._inputs.consumed(table))
        pending = followed.pending(self._inputs, table, consumed, until)
        # Of all of them also those that the table alone has: an input may have had them.
        dates = self._all_days(table) if pending is None else pending
        if dates:
            rows = with_positions(self._of_dates(table, until, dates), dict(until))
            self._writer.replace_partitions(table, rows, dates, before)
            positions.remember(self._lake, table, dict(until))
        return len(dates)

    def _of_dates(self, table: Table, until: followed.Versions, dates: Collection[date]) -> DataFrame:
        """The table's rows of these dates, from these versions of the inputs that it follows."""
        of_dates = {
            one.name: self._inputs.read(one, until[one.full_name]).where(
                F.col(str(one.partition_by)).isin(*sorted(dates))
            )
            for one in followed.inputs(table)
        }
        whole = self._inputs.whole(tuple(name for name in table.inputs if name not in until))
        return transform_of(table)(**(of_dates | whole))

    def _replace_slices(self, table: Table, before: int | None) -> int | None:
        return replace_slices(self._inputs, self._writer, table, before, self._round_rows)

    def _replace_all(self, table: Table, before: int | None) -> int | None:
        inputs = {name: self._lake.version(catalog.table(name)) for name in table.inputs}
        consumed = self._inputs.consumed(table)
        if consumed and all(
            self._inputs.is_consumed(name, consumed.get(name, []), now) for name, now in inputs.items()
        ):
            return 0
        rows = transform_of(table)(**self._inputs.whole(table.inputs))
        now: dict[str, positions.Position] = {name: version for name, version in inputs.items() if version is not None}
        self._writer.replace_all(table, with_positions(rows, now), before)
        return None


_BACKFILL: dict[type, Callable[[Runner, Table, date, date], Recomputed]] = {
    KeyedMerge: Runner._merged_again,
    ReplaceDates: Runner._dates_again,
}

_REFRESH: dict[type, Callable[[Runner, Table, int | None], int | None]] = {
    KeyedMerge: Runner._keyed_merge,
    ReplaceDates: Runner._replace_dates,
    ReplaceSlices: Runner._replace_slices,
    ReplaceAll: Runner._replace_all,
}
