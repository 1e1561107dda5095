"""What a derived table has consumed of its inputs, as its own rows remember it (`input_positions`).

A sparse table may have no rows: it remembers in a property, set once the rows are written.

A position is JSON by input: a Delta version (`{"silver.plays": 7}`) or, of a ledger, the next offset of each partition
(`{"bronze.playback_events": {"<topic id>/<partition>": 1000}}`).
"""

import json
from collections.abc import Iterable

from pyspark.sql import Column, SparkSession
from pyspark.sql import functions as F

from infra import lake_shape
from infra.lake import Lake
from schemas.model import INPUT_POSITIONS, ReplaceDates, Table

Offsets = dict[str, int]
Position = int | Offsets


def stored(session: SparkSession, lake: Lake, table: Table) -> dict[str, list[Position]]:
    """Every distinct position in the table's rows, by input; empty when it has no rows.

    Of a sparse table the one that was remembered beside them.
    """
    if lake.version(table) is None:
        return {}
    if _is_sparse(table):
        beside = lake_shape.consumed_beside(lake, table)
        return _decoded([beside] if beside else [])
    rows = session.read.format("delta").load(str(lake.path(table))).select(INPUT_POSITIONS.name).distinct().collect()
    return _decoded(row[0] for row in rows)


def remember(lake: Lake, table: Table, consumed: dict[str, Position]) -> None:
    """Remember beside the rows what was consumed, of a sparse table; the rows of others say it themselves."""
    if _is_sparse(table):
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


def _is_sparse(table: Table) -> bool:
    return isinstance(table.refresh, ReplaceDates) and table.refresh.is_sparse


def _decoded(texts: Iterable[str]) -> dict[str, list[Position]]:
    found: dict[str, list[Position]] = {}
    for text in texts:
        for name, position in json.loads(text).items():
            found.setdefault(name, []).append(position)
    return found
