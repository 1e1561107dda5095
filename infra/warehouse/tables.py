"""Datasets, tables and views: created from the declaration, widened and described again when it changes."""

from google.api_core.exceptions import NotFound
from google.cloud.bigquery import Dataset, SchemaField
from google.cloud.bigquery import Table as WarehouseTable

from infra.warehouse.client import REQUEST_SECONDS, RETRY, Warehouse, answering
from infra.warehouse.statements import AUDIT_FIELDS, add_column_sql, create_fences_sql
from schemas.model import Table
from schemas.render.bigquery import bigquery_schema, bigquery_table, versioned_name, view_query, view_sql

_SQL_TYPES = {"INTEGER": "INT64", "BOOLEAN": "BOOL"}


def stored_schema(table: Table) -> list[SchemaField]:
    """Columns of the stored table: the declared ones, then the audit columns of the publication."""
    audit = [SchemaField(field.name, "INTEGER", "REQUIRED", description=field.description) for field in AUDIT_FIELDS]
    return [*staged_schema(table), *audit]


def staged_schema(table: Table) -> list[SchemaField]:
    """Columns of a staging table: those of the lake."""
    return [SchemaField.from_api_repr(field) for field in bigquery_schema(table)]


def table_exists(warehouse: Warehouse, table: Table) -> bool:
    """Whether the current version of the table is there."""
    return _stored(warehouse, table) is not None


def create_fences(warehouse: Warehouse, table: Table) -> None:
    """Make the dataset and the fences in it where missing."""
    dataset = f"{warehouse.project}.{warehouse.dataset(table)}"
    with answering():
        warehouse.client.create_dataset(Dataset(dataset), exists_ok=True, retry=RETRY, timeout=REQUEST_SECONDS)
        warehouse.run(create_fences_sql(dataset))


def create_tables(warehouse: Warehouse, table: Table) -> None:
    """Make the dataset, the fences and the versioned table where missing; add columns and descriptions that are new."""
    stored = _stored(warehouse, table)
    if stored is not None:
        _widen(warehouse, table, stored)
        return
    reference = warehouse.path(table, versioned_name(table))
    resource = bigquery_table(table) | {
        "tableReference": WarehouseTable(reference).reference.to_api_repr(),
        "schema": {"fields": [field.to_api_repr() for field in stored_schema(table)]},
    }
    create_fences(warehouse, table)
    with answering():
        created = WarehouseTable.from_api_repr(resource)
        warehouse.client.create_table(created, exists_ok=True, retry=RETRY, timeout=REQUEST_SECONDS)


def create_view(warehouse: Warehouse, table: Table) -> None:
    """Point the view that analysts read at the current version, and describe its columns, unless it is so already."""
    wanted = view_query(table, warehouse.project, warehouse.dataset(table))
    path = warehouse.path(table, table.name)
    with answering():
        try:
            view = warehouse.client.get_table(path, retry=RETRY, timeout=REQUEST_SECONDS)
        except NotFound:
            view = None
        if view is not None and (view.view_query or "").strip() == wanted.strip():
            return
        warehouse.run(view_sql(table, warehouse.project, warehouse.dataset(table)))
        view = warehouse.client.get_table(path, retry=RETRY, timeout=REQUEST_SECONDS)
        said = {field.name: field.description for field in table.fields}
        view.schema = [_described(field, said.get(field.name, "")) for field in view.schema]
        warehouse.client.update_table(view, ["schema"], retry=RETRY, timeout=REQUEST_SECONDS)


def _stored(warehouse: Warehouse, table: Table) -> WarehouseTable | None:
    with answering():
        try:
            path = warehouse.path(table, versioned_name(table))
            return warehouse.client.get_table(path, retry=RETRY, timeout=REQUEST_SECONDS)
        except NotFound:
            return None


def _widen(warehouse: Warehouse, table: Table, stored: WarehouseTable) -> None:
    dataset = f"{warehouse.project}.{warehouse.dataset(table)}"
    present = {column.name for column in stored.schema}
    wanted = {column.name: column for column in stored_schema(table)}
    declared = {field.name: field for field in (*table.stored_fields, *AUDIT_FIELDS)}
    added = [name for name in wanted if name not in present]
    for name in added:
        sql_type = _SQL_TYPES.get(wanted[name].field_type, wanted[name].field_type)
        warehouse.run(add_column_sql(table, dataset, declared[name], sql_type))
    said = {name: column.description for name, column in wanted.items()}
    stale = any(said.get(column.name, column.description) != column.description for column in stored.schema)
    description = bigquery_table(table)["description"]
    if not stale and stored.description == description:
        return
    with answering():
        path = warehouse.path(table, versioned_name(table))
        stored = warehouse.client.get_table(path, retry=RETRY, timeout=REQUEST_SECONDS)
        stored.description = str(description)
        stored.schema = [_described(column, said.get(column.name) or column.description) for column in stored.schema]
        warehouse.client.update_table(stored, ["description", "schema"], retry=RETRY, timeout=REQUEST_SECONDS)


def _described(column: SchemaField, description: str | None) -> SchemaField:
    return SchemaField.from_api_repr(column.to_api_repr() | {"description": description or ""})
