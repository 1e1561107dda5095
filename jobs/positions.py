"""What a derived table has consumed of its inputs, as its own rows remember it (`input_positions`).

Where no row may say it (a sparse table; records of which none is a play that is new; slices of which all rows are
gone), it is remembered in a property, which is set once the rows are written.

A position is JSON by input: a Delta version (`{"silver.plays": 7}`) or, of a ledger, the next offset of each partition
(`{"bronze.playback_events": {"<topic id>/<partition>": 1000}}`).
"""

import json
import math
from collections.abc import Iterable

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from infra import lake_shape
from infra.lake import Lake
from schemas.model import INPUT_POSITIONS, KeyedMerge, ReplaceDates, ReplaceSlices, Table

Offsets = dict[str, int]
Position = int | Offsets


def stored(session: SparkSession, lake: Lake, table: Table) -> dict[str, list[Position]]:
    """Every distinct position in the table's rows, by input; empty when it has no rows.

    Those that are remembered beside them too; of a sparse table nothing else.
    """
    if lake.version(table) is None:
        return {}
    beside = _beside(lake, table)
    if _is_sparse(table):
        return _decoded(beside)
    rows = session.read.format("delta").load(str(lake.path(table))).select(INPUT_POSITIONS.name).distinct().collect()
    return _decoded([*(row[0] for row in rows), *beside])


def in_rows(lake: Lake, table: Table, version: int) -> dict[str, list[Position]]:
    """Every distinct position in the rows of one version of a table, by input; no engine is needed."""
    return _decoded(lake.counts(table, INPUT_POSITIONS.name, version))


def remembered(lake: Lake, table: Table) -> dict[str, list[Position]]:
    """What is remembered beside the rows alone."""
    return _decoded(_beside(lake, table))


def remember(lake: Lake, table: Table, consumed: dict[str, Position]) -> None:
    """Remember beside the rows what was consumed, where no row may say it."""
    if _remembers_beside(table):
        lake_shape.remember_consumed(lake, table, encoded(consumed))


def version(positions: Iterable[Position]) -> int | None:
    """The furthest Delta version consumed; None when nothing was."""
    return max((one for one in positions if isinstance(one, int)), default=None)


def offsets(positions: Iterable[Position]) -> Offsets:
    """The furthest next offset of each `<topic id>/<partition>`."""
    furthest: Offsets = {}
    for one in positions:
        if isinstance(one, dict):
            for name, offset in one.items():
                furthest[name] = max(offset, furthest.get(name, 0))
    return furthest


def encoded(positions: dict[str, Position]) -> str:
    """The column's value: JSON with sorted keys, so that equal positions are equal text."""
    return json.dumps(positions, sort_keys=True, separators=(",", ":"))


def past(consumed: Offsets) -> Column:
    """Condition on ledger rows: not consumed yet."""
    condition = F.lit(True)
    for name, offset in sorted(consumed.items()):
        topic_id, _, partition = name.rpartition("/")
        own = (F.col("topic_id") == topic_id) & (F.col("partition") == int(partition))
        condition = condition & ~(own & (F.col("offset") < offset))
    return condition


def portion(new: DataFrame, limit: int) -> Offsets:
    """The next offset of each `<topic id>/<partition>` after about `limit` of these ledger records, or after all.

    Of each partition the same part, so that they are read up to about the same time.
    """
    first, last = F.min("offset").alias("first"), F.max("offset").alias("last")
    ends = new.groupBy("topic_id", "partition").agg(first, last, F.count(F.lit(1)).alias("records")).collect()
    share = min(1.0, limit / max(sum(row["records"] for row in ends), 1))
    return {
        f"{row['topic_id']}/{row['partition']}": row["first"] + math.ceil((row["last"] + 1 - row["first"]) * share)
        for row in ends
    }


def _beside(lake: Lake, table: Table) -> list[str]:
    text = lake_shape.consumed_beside(lake, table) if _remembers_beside(table) else None
    return [text] if text else []


def _remembers_beside(table: Table) -> bool:
    if isinstance(table.refresh, KeyedMerge):
        return not table.refresh.remembered_by
    return _is_sparse(table) or isinstance(table.refresh, ReplaceSlices)


def _is_sparse(table: Table) -> bool:
    return isinstance(table.refresh, ReplaceDates) and table.refresh.is_sparse


def _decoded(texts: Iterable[str]) -> dict[str, list[Position]]:
    found: dict[str, list[Position]] = {}
    for text in texts:
        for name, position in json.loads(text).items():
            found.setdefault(name, []).append(position)
    return found
