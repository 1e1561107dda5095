"""What the lake and each store hold of the published tables: the far end of the balance sheet.

Of a table that counts playbacks the counts by day, so that one lost on a day and one doubled on another do not cancel
out; of the others how many rows there are.
"""

# ruff: noqa: S608 - only declared names are written into statements

from collections.abc import Mapping

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from infra.lake import Lake
from infra.local.stack import Endpoints
from infra.serving_store.pointers import pointer
from infra.serving_store.session import ServingSession, serving_session
from infra.settings import Settings
from infra.warehouse.client import Warehouse, warehouse
from jobs.columns import exact_sum
from schemas import catalog
from schemas.model import Table
from schemas.render.cassandra import GENERATION, table_name

Cells = Mapping[str, tuple[int, ...]]
"""Sums by day (`2026-11-23`; of a table without days one cell under the empty name)."""

PLAYBACKS = ("playback_count", "play_count", "skip_count", "played_ms")
_SUMMED = {"gold.daily_track_plays": PLAYBACKS, "gold.daily_user_plays": PLAYBACKS, "gold.event_balance": ("sent",)}
"""Columns that are summed; of other tables the rows are counted."""


def counted_in(table: Table) -> str:
    """What the first number of each cell counts."""
    return {"playback_count": "playbacks", "sent": "sent"}.get(next(iter(_SUMMED.get(table.full_name, ())), ""), "rows")


def counts_in_rows(table: Table, rows: DataFrame) -> Cells:
    """The cells of a table's rows in the lake."""
    names = _SUMMED.get(table.full_name, ())
    sums = [F.coalesce(exact_sum(F.col(name)), F.lit(0)).alias(name) for name in names]
    day = F.col("event_date").cast("string") if _is_dated(table) else F.lit("")
    cells = rows.groupBy(day.alias("day")).agg(*sums, F.count(F.lit(1)).alias("rows"))
    return {row["day"]: tuple(int(row[name]) for name in (*names, "rows")) for row in cells.collect()}


def counts_in_stores(settings: Settings, endpoints: Endpoints) -> dict[tuple[str, str], Cells]:
    """Cells by store and table, asked of the store; raises StoreUnavailableError when one does not answer."""
    lake = Lake(settings.lake)
    published = [table for table in catalog.lake_tables().values() if lake.version(table) is not None]
    with warehouse(settings, endpoints) as bigquery:
        analysed = {
            ("bigquery", table.full_name): _in_bigquery(bigquery, table) for table in published if table.warehouse
        }
    with serving_session(settings, endpoints) as cassandra:
        served = {
            ("cassandra", table.full_name): _in_cassandra(cassandra, table) for table in published if table.serving
        }
    return analysed | served


def _in_bigquery(bigquery: Warehouse, table: Table) -> Cells:
    names = _SUMMED.get(table.full_name, ())
    counts = ", ".join([*(f"SUM(`{name}`) AS `{name}`" for name in names), "COUNT(*) AS `rows`"])
    day, grouped = ("CAST(event_date AS STRING)", " GROUP BY event_date") if _is_dated(table) else ("''", "")
    view = bigquery.path(table, table.name)
    _, rows = bigquery.run(f"SELECT {day} AS `day`, {counts} FROM `{view}`{grouped}")
    return {row["day"]: tuple(int(row[name]) for name in (*names, "rows")) for row in rows if row["rows"]}


def _in_cassandra(cassandra: ServingSession, table: Table) -> Cells:
    """Summed here: one aggregate over all partitions would time out in the server long before paging does."""
    names = _SUMMED.get(table.full_name, ())
    days = ("event_date",) if _is_dated(table) else ()
    is_snapshot = table.serving is not None and table.serving.mode == "snapshot"
    read = pointer(cassandra, table.full_name) if is_snapshot else None
    columns = [*((GENERATION.name,) if is_snapshot else ()), *days, *names] or [table.key[0]]
    quoted = ", ".join(f'"{name}"' for name in columns)
    sums: dict[object, list[int]] = {}
    for row in cassandra.rows(f'SELECT {quoted} FROM "{cassandra.keyspace}"."{table_name(table)}"'):
        if is_snapshot and (read is None or row[GENERATION.name] != read.generation):
            continue
        cell = sums.setdefault(row["event_date"] if days else "", [0] * (len(names) + 1))
        for position, name in enumerate(names):
            cell[position] += row[name]
        cell[-1] += 1
    return {str(day): tuple(cell) for day, cell in sums.items()}


def _is_dated(table: Table) -> bool:
    return table.partition_by == "event_date"
