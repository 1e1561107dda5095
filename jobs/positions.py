"""What a derived table has consumed of its inputs, as its own rows remember it (`input_positions`).

A position is JSON by input: a Delta version (`{"silver.plays": 7}`) or, of a ledger, the next offset of each partition
(`{"bronze.playback_events": {"<topic id>/<partition>": 1000}}`).
"""

import json
from collections.abc import Iterable

from pyspark.sql import Column, SparkSession
from pyspark.sql import functions as F

from infra.lake import Lake
from schemas.model import INPUT_POSITIONS, Table

Offsets = dict[str, int]
Position = int | Offsets


def stored(session: SparkSession, lake: Lake, table: Table) -> dict[str, list[Position]]:
    """Every distinct position in the table's rows, by input; empty when it has no rows."""
    if lake.version(table) is None:
        return {}
    rows = session.read.format("delta").load(str(lake.path(table))).select(INPUT_POSITIONS.name).distinct().collect()
    found: dict[str, list[Position]] = {}
    for row in rows:
        for name, position in json.loads(row[0]).items():
            found.setdefault(name, []).append(position)
    return found


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
