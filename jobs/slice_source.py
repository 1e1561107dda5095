"""What a table by slices is computed from, and the rows of some of its slices."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from infra import delta_log
from jobs import followed, positions, rounds, track_facts
from jobs.inputs import Inputs, with_positions
from jobs.slice_columns import in_slices, without_share
from jobs.transforms import Halves, transform_of
from schemas import catalog
from schemas.model import AS_KNOWN_AT, ReplaceSlices, Table
from schemas.periods import PeriodKind, Slice, overlapping, slice_of, start_of, with_later


@dataclass(frozen=True)
class SliceSource:
    """What a table by slices is computed from: certain versions of its inputs."""

    inputs: Inputs
    table: Table
    refresh: ReplaceSlices
    until: followed.Versions
    known_at: datetime

    @staticmethod
    def of(inputs: Inputs, table: Table) -> "SliceSource":
        """The present one."""
        assert isinstance(table.refresh, ReplaceSlices)
        until = followed.versions(inputs.lake, (*followed.inputs(table), *track_facts.inputs(table)))
        known_at = max(_known_at(inputs, catalog.table(name), version) for name, version in until.items())
        return SliceSource(inputs, table, table.refresh, until, known_at)

    @property
    def driving(self) -> Table:
        """The input that says which slices there are."""
        return followed.inputs(self.table)[0]

    def touched(self, months: set[Slice]) -> set[Slice]:
        """The slices that these of `driving` are part of, or come before where that makes a difference."""
        wanted = overlapping(months, self.refresh.kinds, self.refresh.by_share)
        if not self.refresh.later:
            return wanted
        there = [slice_of(str(one)) for one in self.inputs.lake.partitions(self.driving)]
        return with_later(wanted, overlapping(there, self.refresh.kinds, self.refresh.by_share))

    def weighed(self, wanted: set[Slice] | None) -> rounds.Weights:
        """The wanted slices and what they weigh; None: all that there are or were."""
        found = self._weights(self.refresh.by_share)
        if wanted is None:
            wanted = {*found, *(slice_of(str(one)) for one in self.inputs.lake.partitions(self.table))}
        return {one: found.get(one, 0.0) for one in wanted}

    def weighed_by_share(self, periods: set[Slice]) -> rounds.Weights:
        """What each share of these slices of all listeners weighs."""
        return {one: weight for one, weight in self._weights(True).items() if replace(one, share="") in periods}

    def computed(self, wanted: set[Slice] | None) -> DataFrame:
        """The rows of these slices; None: of all."""
        needed = self._needed(wanted)
        needed[self.driving.name] = in_slices(needed[self.driving.name], self.refresh, wanted)
        return transform_of(self.table)(**needed)

    def partial(self, halves: Halves, wanted: set[Slice]) -> DataFrame:
        """What slices by share tell of the periods of a table that has no shares."""
        needed = self._needed(wanted)
        needed[self.driving.name] = without_share(
            in_slices(needed[self.driving.name], replace(self.refresh, by_share=True), wanted)
        )
        return halves.partial(**needed)

    def told(self, computed: DataFrame, consumed: followed.Versions) -> DataFrame:
        """The rows with what they say of themselves.

        Each slice in one place, so that it becomes one file: to write thousands at once costs more than their rows.
        """
        known = computed.withColumn(AS_KNOWN_AT.name, F.lit(self.known_at))
        return with_positions(known, dict(consumed)).repartition(F.col(str(self.table.partition_by)))

    def consumed(self) -> followed.Versions:
        """What the rows that are there say of these inputs; one is left out of which they say nothing."""
        return followed.reached(self.inputs.consumed(self.table), self.until)

    def _weights(self, by_share: bool) -> rounds.Weights:
        there = self.inputs.lake.rows_by_partition(self.driving, self.until[self.driving.full_name])
        return rounds.weights(there, self.refresh.kinds, by_share)

    def _needed(self, wanted: set[Slice] | None) -> dict[str, DataFrame]:
        found = {
            one.name: _needed_rows(self.inputs, one, self.until[one.full_name], wanted)
            for one in followed.inputs(self.table)
        }
        facts = track_facts.inputs(self.table)
        found |= {one.name: self.inputs.read(one, self.until[one.full_name]) for one in facts}
        others = tuple(name for name in self.table.inputs if name not in self.until)
        return found | _others(self.inputs, others, wanted)


def _needed_rows(inputs: Inputs, driving: Table, version: int, wanted: set[Slice] | None) -> DataFrame:
    """The rows of `driving` that the wanted slices are computed from, and as few others as its partitions allow."""
    read = inputs.read(driving, version)
    if wanted is None:
        return read
    partition = F.col(str(driving.partition_by))
    there = inputs.lake.partitions(driving)
    if driving.partition_by == "slice":
        return read.where(partition.isin(*sorted(str(one) for one in there if _has_part(slice_of(str(one)), wanted))))
    months = {one.start for one in wanted}
    days = sorted(one for one in there if isinstance(one, date) and start_of("month", one) in months)
    return read.where(partition.isin(*days) if days else F.lit(False))


def _has_part(one: Slice, wanted: set[Slice]) -> bool:
    kinds: set[PeriodKind] = {other.kind for other in wanted}
    return any(not wanted.isdisjoint(overlapping([one], kinds, by_share)) for by_share in (True, False))


def _others(inputs: Inputs, names: tuple[str, ...], wanted: set[Slice] | None) -> dict[str, DataFrame]:
    """The other inputs: whole, or of the wanted shares where they are by share too."""
    shares = {one.share for one in wanted or ()}
    found = inputs.whole(names)
    for name in names:
        table = catalog.table(name)
        if shares and "" not in shares and isinstance(table.refresh, ReplaceSlices) and table.refresh.by_share:
            there = {slice_of(str(value)) for value in inputs.lake.partitions(table)}
            of_shares = sorted(str(one) for one in there if one.share in shares)
            found[table.name] = found[table.name].where(F.col("slice").isin(*of_shares))
    return found


def _known_at(inputs: Inputs, table: Table, version: int) -> datetime:
    """The commit of this version; of a table that is by slices what it says itself."""
    if not isinstance(table.refresh, ReplaceSlices):
        return _committed_at(inputs, table, version) or datetime.now(UTC)
    newest = inputs.read(table, version).agg(F.max(AS_KNOWN_AT.name)).collect()[0][0]
    told = [newest.replace(tzinfo=newest.tzinfo or UTC)] if newest else []
    # Rows that are gone tell nothing: what they were computed from last does.
    for name, consumed in positions.remembered(inputs.lake, table).items():
        reached = positions.version(consumed)
        committed = None if reached is None else _committed_at(inputs, catalog.table(name), reached)
        told += [committed] if committed else []
    return max(told, default=datetime.now(UTC))


def _committed_at(inputs: Inputs, table: Table, version: int) -> datetime | None:
    made = delta_log.commit(inputs.lake.path(table), version)
    return made.committed_at if made else None
