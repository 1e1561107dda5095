"""One publication into BigQuery: the rows of its scope are staged by one load and taken over by one MERGE."""

import re
import tempfile
from collections.abc import Collection
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq
from google.api_core.exceptions import NotFound
from google.cloud.bigquery import ArrayQueryParameter, LoadJobConfig, ScalarQueryParameter

from infra import failpoints
from infra.warehouse.client import JOB_SECONDS, REQUEST_SECONDS, RETRY, Parameter, Warehouse, answering
from infra.warehouse.shape import staged_schema
from infra.warehouse.statements import fence_sql, merge_sql, raise_fence_sql
from schemas.errors import SupersededError
from schemas.model import Table
from schemas.periods import PartitionValue
from schemas.render.bigquery import versioned_name


@dataclass(frozen=True)
class Merged:
    """Rows that were staged, and rows of the scope that were deleted because they are no more."""

    rows: int
    deleted: int


def fence(warehouse: Warehouse, table: Table) -> int:
    """Highest publish number that was let in; 0 when there is none. The dataset exists."""
    dataset = f"{warehouse.project}.{warehouse.dataset(table)}"
    _, found = warehouse.run(fence_sql(dataset), [_table_name(table)])
    return next((row["publish_number"] or 0 for row in found), 0)


def merge_rows(
    warehouse: Warehouse,
    table: Table,
    rows: pa.Table,
    number: int,
    delta_version: int,
    partitions: Collection[PartitionValue] | None,
) -> Merged:
    """Make the stored rows of `partitions` (None: of the whole table) those of `rows`, under publish number `number`.

    The table exists. Staging tables that dead publishers left are deleted.

    Raises:
        SupersededError: a higher number was let in; nothing was changed.
        StoreUnavailableError: BigQuery does not answer.
    """
    dataset = f"{warehouse.project}.{warehouse.dataset(table)}"
    staging = f"{versioned_name(table)}_staging_{number}"
    claim = [_table_name(table), ScalarQueryParameter("publish_number", "INT64", number)]
    warehouse.run(raise_fence_sql(dataset), claim)
    _refuse_overtaken(warehouse, table, number)
    place = f"{table.full_name}/bigquery"
    failpoints.reach("publish.fenced", place)
    try:
        staged = load_staged(warehouse, table, staging, rows)
        failpoints.reach("publish.before_merge", place)
        statement = merge_sql(table, dataset, staging, partitioned=partitions is not None)
        parameters = [*claim, ScalarQueryParameter("delta_version", "INT64", delta_version), *_scope(table, partitions)]
        try:
            job, _ = warehouse.run(statement, parameters)
        except NotFound:
            # A later publisher cleans up what lower numbers have staged.
            _refuse_overtaken(warehouse, table, number)
            raise
        _refuse_overtaken(warehouse, table, number)
        failpoints.reach("publish.after_merge", place)
    finally:
        drop_staged(warehouse, table, staging)
    _delete_leftovers(warehouse, table, below=number)
    # Every staged row was updated or inserted: the rest of what the MERGE changed are deletions.
    return Merged(staged, max(0, (job.num_dml_affected_rows or 0) - staged))


def load_staged(warehouse: Warehouse, table: Table, staging: str, rows: pa.Table) -> int:
    """Load rows into the staging table of that name, in place of what it holds; returns the count."""
    schema = staged_schema(table)
    config = LoadJobConfig(schema=schema, source_format="PARQUET", write_disposition="WRITE_TRUNCATE")
    with tempfile.TemporaryFile() as file, answering():
        # In declared order: the stand-in takes columns by their place, the real service by their name.
        pq.write_table(rows.select([column.name for column in schema]), file, compression="zstd")
        # Without `size`: the upload is a resumable one then, which the stand-in takes too.
        job = warehouse.client.load_table_from_file(
            file, warehouse.path(table, staging), rewind=True, job_config=config, timeout=JOB_SECONDS
        )
        job.result(timeout=JOB_SECONDS, retry=RETRY)
    return int(rows.num_rows)


def _scope(table: Table, partitions: Collection[PartitionValue] | None) -> list[Parameter]:
    if partitions is None:
        return []
    kind, values = table.field(str(table.partition_by)).type.upper(), sorted(partitions, key=str)  # DATE or STRING
    return [
        ScalarQueryParameter("first_partition", kind, values[0]),
        ScalarQueryParameter("last_partition", kind, values[-1]),
        ArrayQueryParameter("partitions", kind, values),
    ]


def _refuse_overtaken(warehouse: Warehouse, table: Table, number: int) -> None:
    if fence(warehouse, table) > number:
        raise SupersededError(
            f"A later publication of {table.full_name} to bigquery than number {number} was first: nothing is to be "
            "done, the later one is published."
        )


def _delete_leftovers(warehouse: Warehouse, table: Table, below: int) -> None:
    pattern = re.compile(rf"{re.escape(versioned_name(table))}_staging_(\d+)")
    with answering():
        present = warehouse.client.list_tables(
            f"{warehouse.project}.{warehouse.dataset(table)}", retry=RETRY, timeout=REQUEST_SECONDS
        )
        matches = [pattern.fullmatch(found.table_id) for found in present]
    for match in matches:
        if match and int(match.group(1)) < below:
            drop_staged(warehouse, table, match.group(0))


def drop_staged(warehouse: Warehouse, table: Table, name: str) -> None:
    """Delete a staging table, where it is there."""
    with answering():
        warehouse.client.delete_table(
            warehouse.path(table, name), not_found_ok=True, retry=RETRY, timeout=REQUEST_SECONDS
        )


def _table_name(table: Table) -> ScalarQueryParameter:
    return ScalarQueryParameter("table_name", "STRING", versioned_name(table))
