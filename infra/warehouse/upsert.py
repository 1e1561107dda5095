"""Micro-batches of live rows into BigQuery: absolute rows by key, of which the one with the higher number stays."""

import pyarrow as pa
import pyarrow.compute as pc
from google.cloud.bigquery import ScalarQueryParameter

from infra.warehouse.client import Parameter, Warehouse
from infra.warehouse.merge import drop_staged, load_staged
from infra.warehouse.statements import upsert_sql
from schemas.model import Table
from schemas.render.bigquery import versioned_name


def upsert_rows(warehouse: Warehouse, table: Table, rows: pa.Table, number: int) -> int:
    """Make the stored rows of these keys those of `rows`, unless a higher number wrote them; returns the count.

    The table exists; no two rows have the same key. Raises StoreUnavailableError when BigQuery does not answer; doing
    it again is harmless.
    """
    dataset = f"{warehouse.project}.{warehouse.dataset(table)}"
    staging = f"{versioned_name(table)}_staging_{number}"
    parameters: list[Parameter] = [ScalarQueryParameter("publish_number", "INT64", number)]
    if table.partition_by and table.partition_by in table.key:
        bounds = pc.min_max(rows[table.partition_by]).as_py()
        kind = table.field(table.partition_by).type.upper()  # DATE or TIMESTAMP
        parameters.append(ScalarQueryParameter("first", kind, bounds["min"]))
        parameters.append(ScalarQueryParameter("last", kind, bounds["max"]))
    try:
        staged = load_staged(warehouse, table, staging, rows)
        warehouse.run(upsert_sql(table, dataset, staging), parameters)
    finally:
        drop_staged(warehouse, table, staging)
    return staged


def newest(table: Table, changes: list[pa.Table]) -> pa.Table:
    """Of absolute rows that were given out one after another, the last one of each key."""
    rows = pa.concat_tables(changes)
    numbered = rows.append_column("place", pa.array(range(rows.num_rows), pa.int64()))
    last = numbered.group_by(list(table.key)).aggregate([("place", "max")])
    return rows.take(last["place_max"])
