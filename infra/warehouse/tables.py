"""Datasets, tables and views: created from the declaration, widened and described again when it changes."""

from contextlib import suppress

from google.api_core.exceptions import NotFound, PreconditionFailed
from google.cloud.bigquery import Dataset, SchemaField, TimePartitioning
from google.cloud.bigquery import Table as WarehouseTable

from infra.warehouse.client import REQUEST_SECONDS, RETRY, Warehouse, answering
from infra.warehouse.shape import declared_shape, shape_of, stored_schema, stored_table
from infra.warehouse.statements import AUDIT_FIELDS, add_column_sql, create_fences_sql, relax_column_sql
from schemas.drift import Change, drift, refused
from schemas.drift_kinds import ADDED_NULLABLE, ADDED_REQUIRED, BECAME_NULLABLE, CLUSTERING_CHANGED, RETENTION_CHANGED
from schemas.errors import MigrationError
from schemas.model import Field, Table
from schemas.render.bigquery import DAY_MS, bigquery_table, versioned_name, view_query, view_sql

_SQL_TYPES = {"INTEGER": "INT64", "BOOLEAN": "BOOL"}


def table_exists(warehouse: Warehouse, table: Table) -> bool:
    """Whether the current version of the table is there."""
    return stored_table(warehouse, table) is not None


def create_fences(warehouse: Warehouse, table: Table) -> None:
    """Make the dataset and the fences in it where missing."""
    dataset = f"{warehouse.project}.{warehouse.dataset(table)}"
    with answering():
        warehouse.client.create_dataset(Dataset(dataset), exists_ok=True, retry=RETRY, timeout=REQUEST_SECONDS)
        warehouse.run(create_fences_sql(dataset))


def create_tables(warehouse: Warehouse, table: Table) -> None:
    """Make the dataset, the fences and the versioned table where missing; make one that is there fit the declaration.

    Raises MigrationError where that cannot be.
    """
    stored = stored_table(warehouse, table)
    if stored is not None:
        declared = declared_shape(table)
        changes = drift(table.full_name, declared, shape_of(stored, declared.version))
        if found := refused(changes):
            raise MigrationError(f"What is stored does not fit the declaration: {found[0].sentence}")
        _alter(warehouse, table, changes)
        _describe(warehouse, table)
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
    dataset = warehouse.dataset(table)
    query = view_query(table, warehouse.project, dataset)
    statement = view_sql(table, warehouse.project, dataset)
    make_view(warehouse, warehouse.path(table, table.name), query, statement, table.shown_fields)


def make_view(warehouse: Warehouse, path: str, query: str, statement: str, fields: tuple[Field, ...]) -> None:
    """Run the statement that makes the view, and describe its columns; nothing where it selects by `query` already."""
    with answering():
        try:
            view = warehouse.client.get_table(path, retry=RETRY, timeout=REQUEST_SECONDS)
        except NotFound:
            view = None
        if view is not None and (view.view_query or "").strip() == query.strip():
            return
        warehouse.run(statement)
        view = warehouse.client.get_table(path, retry=RETRY, timeout=REQUEST_SECONDS)
        said = {field.name: field.description for field in fields}
        view.schema = [_described(field, said.get(field.name, "")) for field in view.schema]
        # Who publishes another of its tables at the same time makes the same view, and describes it.
        with suppress(PreconditionFailed):
            warehouse.client.update_table(view, ["schema"], retry=RETRY, timeout=REQUEST_SECONDS)


def refresh_view(warehouse: Warehouse, table: Table) -> None:
    """Let the view show the declared columns, if there is one and it shows the current version already."""
    try:
        with answering():
            view = warehouse.client.get_table(warehouse.path(table, table.name), retry=RETRY, timeout=REQUEST_SECONDS)
    except NotFound:
        return
    source = view_query(table, warehouse.project, warehouse.dataset(table)).rpartition("FROM ")[2]
    # The stand-in does not say what a view selects: there, only a first version is sure to be the one that is shown.
    is_first = table.warehouse is not None and table.warehouse.version == 1
    if view.view_query.strip().endswith(source) if view.view_query else is_first:
        create_view(warehouse, table)


def _alter(warehouse: Warehouse, table: Table, changes: tuple[Change, ...]) -> None:
    dataset = f"{warehouse.project}.{warehouse.dataset(table)}"
    wanted = {column.name: column.field_type for column in stored_schema(table)}
    declared = {field.name: field for field in (*table.stored_fields, *AUDIT_FIELDS)}
    for change in changes:
        name = change.about
        if change.kind in (ADDED_NULLABLE, ADDED_REQUIRED):
            sql_type = _SQL_TYPES.get(wanted[name], wanted[name])
            warehouse.run(add_column_sql(table, dataset, declared[name], sql_type))
        elif change.kind is BECAME_NULLABLE:
            warehouse.run(relax_column_sql(table, dataset, name))
        elif change.kind is CLUSTERING_CHANGED and table.warehouse:
            _update(warehouse, table, "clustering_fields", list(table.warehouse.cluster_by) or None)
        elif change.kind is RETENTION_CHANGED:
            expiring = TimePartitioning(field=table.partition_by, expiration_ms=(table.retention_days or 0) * DAY_MS)
            _update(warehouse, table, "time_partitioning", expiring)


def _update(warehouse: Warehouse, table: Table, name: str, value: object) -> None:
    """Set one property of the stored table."""
    with answering():
        path = warehouse.path(table, versioned_name(table))
        stored = warehouse.client.get_table(path, retry=RETRY, timeout=REQUEST_SECONDS)
        setattr(stored, name, value)
        warehouse.client.update_table(stored, [name], retry=RETRY, timeout=REQUEST_SECONDS)


def _describe(warehouse: Warehouse, table: Table) -> None:
    """Let what the service says of the table be as declared: descriptions, and the columns that were just altered.

    The real service knows the columns from the statements; the stand-in keeps what it says apart from what it has.
    """
    stored = stored_table(warehouse, table)
    assert stored is not None
    wanted = {column.name: column for column in stored_schema(table)}
    present = {column.name for column in stored.schema}
    schema = [_as_declared(column, wanted.get(column.name, column)) for column in stored.schema]
    schema += [_altered(column, mode="NULLABLE") for name, column in wanted.items() if name not in present]
    description = str(bigquery_table(table)["description"])
    if schema == list(stored.schema) and stored.description == description:
        return
    stored.description, stored.schema = description, schema
    with answering():
        warehouse.client.update_table(stored, ["description", "schema"], retry=RETRY, timeout=REQUEST_SECONDS)


def _as_declared(stored: SchemaField, wanted: SchemaField) -> SchemaField:
    """The stored column with the declared description, and nullable where it is declared so; never required anew."""
    mode = wanted.mode if wanted.mode == "NULLABLE" else stored.mode
    return _altered(stored, mode=mode, description=wanted.description or stored.description)


def _described(column: SchemaField, description: str | None) -> SchemaField:
    return _altered(column, description=description or "")


def _altered(column: SchemaField, **changes: str | None) -> SchemaField:
    return SchemaField.from_api_repr(column.to_api_repr() | changes)
