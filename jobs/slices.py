"""Refresh of a table by slices: which ones what is new touches, and the rows that they are computed from.

Of a driving input that is partitioned by date (`silver.plays`) the months and shares that changed are found by
comparing, for the dates that its log names, fingerprints of what both versions say: an import of ten years of one
listener touches one share of each month, not all of them. What is followed beside it (`silver.merged_plays`) is looked
at in the same way, so that merges which are made or taken back touch what they are about and nothing else; and what a
catalogue says of tracks (`jobs.track_facts`) touches the slices that have these tracks.
"""

from collections.abc import Collection
from datetime import UTC, date, datetime

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from infra import delta_log
from infra.delta_writer import DeltaWriter
from jobs import followed, track_facts
from jobs.inputs import Inputs, with_positions
from jobs.transforms import transform_of
from schemas import catalog
from schemas.errors import MissingInputError
from schemas.model import AS_KNOWN_AT, ReplaceSlices, Table
from schemas.periods import BEGINNING, PeriodKind, Slice, overlapping, slice_of, start_of, with_later

_NOT_COMPARED = ("input_positions", "ingested_at")


def replace_slices(inputs: Inputs, writer: DeltaWriter, table: Table, before: int | None) -> int | None:
    """Compute what changed of `table` since version `before` of it in one commit; the number of slices (None: all)."""
    assert isinstance(table.refresh, ReplaceSlices)
    driving, *beside = followed.inputs(table)
    facts = track_facts.inputs(table)
    until = followed.versions(inputs.lake, (driving, *beside, *facts))
    touched = _touched_in_any(inputs, table, until)
    if touched is not None and not touched:
        return 0
    wanted = None if touched is None else _wanted(inputs, driving, table.refresh, touched)
    needed = {one.name: _needed_rows(inputs, one, until[one.full_name], wanted) for one in (driving, *beside)}
    needed |= {one.name: inputs.read(one, until[one.full_name]) for one in facts}
    needed[driving.name] = in_slices(needed[driving.name], table.refresh, wanted)
    others = tuple(name for name in table.inputs if name not in until)
    computed = transform_of(table)(**(needed | _others(inputs, others, wanted)))
    known_at = max(_known_at(inputs, catalog.table(name), version) for name, version in until.items())
    known = computed.withColumn(AS_KNOWN_AT.name, F.lit(known_at))
    # Each slice in one place, so that it becomes one file: to write thousands at once costs more than their rows.
    ready = with_positions(known, dict(until)).repartition(F.col(str(table.partition_by)))
    if wanted is None:
        writer.replace_all(table, ready, before)
        return None
    writer.replace_partitions(table, ready, {str(one) for one in wanted}, before)
    return len(wanted)


def _wanted(inputs: Inputs, driving: Table, refresh: ReplaceSlices, touched: set[Slice]) -> set[Slice]:
    """The slices that what was touched of `driving` is part of, or comes before where that makes a difference."""
    wanted = overlapping(touched, refresh.kinds, refresh.by_share)
    if not refresh.later:
        return wanted
    there = [slice_of(str(one)) for one in inputs.lake.partitions(driving)]
    return with_later(wanted, overlapping(there, refresh.kinds, refresh.by_share))


def share() -> Column:
    """`schemas.periods.SHARES` of `user_id`: its first five bits."""
    return F.concat(F.substring("user_id", 1, 1), F.when(F.substring("user_id", 2, 1) < "8", "0").otherwise(F.lit("8")))


def period_start(kind: PeriodKind) -> Column:
    """`schemas.periods.start_of` the period of `event_date`."""
    match kind:
        case "day":
            return F.col("event_date")
        case "half_year":
            first_month = F.when(F.month("event_date") <= 6, 1).otherwise(F.lit(7))
            return F.make_date(F.year("event_date"), first_month, F.lit(1))
        case "all_time":
            return F.lit(BEGINNING)
        case _:
            return F.trunc("event_date", kind)


def slice_column(kind: PeriodKind, by_share: bool) -> Column:
    """The slice of that kind that a row with `event_date` and `user_id` belongs to."""
    parts = [F.lit(kind), period_start(kind).cast("string"), *([share()] if by_share else [])]
    return F.concat_ws(".", *parts)


def in_slices(rows: DataFrame, refresh: ReplaceSlices, wanted: Collection[Slice] | None = None) -> DataFrame:
    """Each row once for each `slice` that it goes into; of the `wanted` ones only (None: of all).

    Read once and multiplied, not read once for each kind: a union of six scans takes twice as long.
    """
    if wanted is not None and refresh.by_share:
        # Told by itself, so that what is of other listeners is left out before it is multiplied.
        rows = rows.where(share().isin(*sorted({one.share for one in wanted})))
    named = [_named(kind, refresh.by_share, wanted) for kind in refresh.kinds]
    placed = rows.withColumn("slice", F.explode(F.array_compact(F.array(*named))))
    return placed if wanted is None else placed.where(F.col("slice").isin(*sorted(map(str, wanted))))


def _named(kind: PeriodKind, by_share: bool, wanted: Collection[Slice] | None) -> Column:
    """The slice of that kind; null where none of the wanted ones begins so."""
    if wanted is None:
        return slice_column(kind, by_share)
    starts = sorted({one.start for one in wanted if one.kind == kind})
    return F.when(period_start(kind).isin(*starts), slice_column(kind, by_share))


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


def _touched_in_any(inputs: Inputs, table: Table, until: followed.Versions) -> set[Slice] | None:
    """Months by share that changed in any input that `table` follows; None: all that there are or were."""
    remembered = inputs.consumed(table)
    consumed = followed.furthest(table, remembered)
    touched = track_facts.touched(inputs, table, remembered, until)
    if touched is None:
        return None
    for one in followed.inputs(table):
        found = _touched_months(inputs, one, consumed.get(one.full_name), until[one.full_name])
        if found is None:
            return None
        touched |= found
    return touched


def _touched_months(inputs: Inputs, driving: Table, consumed: int | None, until: int) -> set[Slice] | None:
    """Months by share of `driving` that changed from version `consumed` of it on; None: all that there are or were."""
    changed = inputs.touched(driving, consumed, until)
    if changed is None or consumed is None:
        return None
    if driving.partition_by == "slice":
        return {slice_of(str(value)) for value in changed}
    days = sorted(value for value in changed if isinstance(value, date))
    try:
        return _differing(inputs, driving, consumed, until, days) if days else set()
    except MissingInputError:
        return None  # The log reaches back, the version's files do not.


def _differing(inputs: Inputs, driving: Table, before: int, after: int, days: list[date]) -> set[Slice]:
    """Months by share in which two versions do not say the same of `days`."""
    inputs.require_readable(driving, before)
    was, now = (
        _fingerprints(inputs.read(driving, one).where(F.col("event_date").isin(*days))) for one in (before, after)
    )
    return {one for one in was.keys() | now.keys() if was.get(one) != now.get(one)}


def _fingerprints(rows: DataFrame) -> dict[Slice, tuple[int, int]]:
    """Number of rows and sum of their hashes, by month and share."""
    compared = [name for name in rows.columns if name not in _NOT_COMPARED]
    month = period_start("month").alias("month")
    hashed = rows.select(month, share().alias("share"), F.xxhash64(*compared).alias("hash"))
    sums = hashed.groupBy("month", "share").agg(
        F.count(F.lit(1)).alias("rows"), F.sum(F.col("hash").cast("decimal(38,0)")).alias("hash")
    )
    return {Slice("month", row["month"], row["share"]): (int(row["rows"]), int(row["hash"])) for row in sums.collect()}


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
    if isinstance(table.refresh, ReplaceSlices):
        newest = inputs.read(table, version).agg(F.max(AS_KNOWN_AT.name)).collect()[0][0]
        return newest.replace(tzinfo=newest.tzinfo or UTC) if newest else datetime.now(UTC)
    made = delta_log.commit(inputs.lake.path(table), version)
    return made.committed_at if made else datetime.now(UTC)
