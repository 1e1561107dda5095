"""Which slices of what drives a table have changed since it was computed last.

Of a driving input that is partitioned by date (`silver.plays`) the months and shares that changed are found by
comparing, for the dates that its log names, fingerprints of what both versions say: an import of ten years of one
listener touches one share of each month, not all of them. What is followed beside it (`silver.merged_plays`) is looked
at in the same way, so that merges which are made or taken back touch what they are about and nothing else; and what a
catalogue says of tracks (`jobs.track_facts`) touches the slices that have these tracks.
"""

from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs import followed, track_facts
from jobs.inputs import Inputs
from jobs.slice_columns import period_start, share
from schemas.errors import MissingInputError
from schemas.model import Table
from schemas.periods import Slice, slice_of

_NOT_COMPARED = ("input_positions", "ingested_at")


def touched_in_any(inputs: Inputs, table: Table, until: followed.Versions) -> set[Slice] | None:
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
