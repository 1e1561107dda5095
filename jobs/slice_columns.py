"""Slices as columns: which ones a row goes into."""

from collections.abc import Collection

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from schemas.model import ReplaceSlices
from schemas.periods import BEGINNING, PeriodKind, Slice, kind_named


def share() -> Column:
    """`schemas.periods.SHARES` of `user_id`: its first five bits."""
    return F.concat(F.substring("user_id", 1, 1), F.when(F.substring("user_id", 2, 1) < "8", "0").otherwise(F.lit("8")))


def period_start(kind: PeriodKind) -> Column:
    """`schemas.periods.start_of` the period of `event_date`."""
    match kind_named(kind):
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


def without_share(rows: DataFrame) -> DataFrame:
    """The rows in the slice of the same period of all listeners."""
    return rows.withColumn("slice", F.substring_index("slice", ".", 2))
