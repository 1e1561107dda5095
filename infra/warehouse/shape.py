"""The shape of a table in BigQuery: what it is, what it is declared to be, and the statements between the two."""

from typing import Any

from google.api_core.exceptions import NotFound
from google.cloud.bigquery import SchemaField
from google.cloud.bigquery import Table as WarehouseTable

from infra.warehouse.client import REQUEST_SECONDS, RETRY, Warehouse, answering
from infra.warehouse.statements import AUDIT_FIELDS
from schemas.drift import Column, Shape
from schemas.model import Table
from schemas.render.bigquery import DAY_MS, bigquery_schema, bigquery_table, versioned_name

_LONG_NAMES = {"INT64": "INTEGER", "BOOL": "BOOLEAN", "STRUCT": "RECORD"}


def stored_schema(table: Table) -> list[SchemaField]:
    """Columns of the stored table: the declared ones, then the audit columns of the publication."""
    audit = [SchemaField(field.name, "INTEGER", "REQUIRED", description=field.description) for field in AUDIT_FIELDS]
    return [*staged_schema(table), *audit]


def staged_schema(table: Table) -> list[SchemaField]:
    """Columns of a staging table: those of the lake."""
    return [SchemaField.from_api_repr(field) for field in bigquery_schema(table)]


def declared_shape(table: Table) -> Shape:
    """The shape that the declaration asks for; the table is published to BigQuery."""
    assert table.warehouse is not None
    resource: dict[str, Any] = bigquery_table(table)
    return Shape(
        "bigquery",
        _columns(stored_schema(table)),
        partition_by=(resource["timePartitioning"]["field"],) if "timePartitioning" in resource else (),
        order=table.warehouse.cluster_by,
        description=str(resource["description"]),
        version=table.warehouse.version,
        retention_days=table.retention_days,
    )


def shape_of(stored: WarehouseTable, version: int) -> Shape:
    """The shape of a table that is there, which is of that version."""
    partitioning = stored.time_partitioning
    return Shape(
        "bigquery",
        _columns(stored.schema),
        partition_by=(partitioning.field,) if partitioning and partitioning.field else (),
        order=tuple(stored.clustering_fields or ()),
        description=stored.description or "",
        version=version,
        retention_days=(partitioning.expiration_ms or 0) // DAY_MS or None if partitioning else None,
    )


def found_shape(warehouse: Warehouse, table: Table) -> Shape | None:
    """The shape of the newest version up to the declared one; None when there is none."""
    assert table.warehouse is not None
    for version in range(table.warehouse.version, 0, -1):
        stored = stored_table(warehouse, table, f"{table.name}_v{version}")
        if stored is not None:
            return shape_of(stored, version)
    return None


def stored_table(warehouse: Warehouse, table: Table, name: str = "") -> WarehouseTable | None:
    """The declared version of the table, or another of its dataset by `name`; None when it is not there."""
    with answering():
        try:
            path = warehouse.path(table, name or versioned_name(table))
            return warehouse.client.get_table(path, retry=RETRY, timeout=REQUEST_SECONDS)
        except NotFound:
            return None


def _columns(fields: list[SchemaField]) -> tuple[Column, ...]:
    return tuple(
        Column(one.name, _LONG_NAMES.get(one.field_type, one.field_type), one.mode != "REQUIRED") for one in fields
    )
