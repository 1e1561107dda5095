"""BigQuery: tables as the REST API takes them (`tables.insert`, v2) and the views analysts read.

A published table is `<name>_v<version>` in the dataset of its layer; analysts read the view `<name>` before it.
"""

import re

from schemas.errors import ContractError
from schemas.model import Field, Table

_TYPES = {
    "string": "STRING",
    "binary": "BYTES",
    "boolean": "BOOLEAN",
    "int": "INTEGER",
    "long": "INTEGER",
    "timestamp": "TIMESTAMP",
    "date": "DATE",
}
_HEADER_FIELDS = (
    {"name": "key", "type": "STRING", "mode": "REQUIRED", "description": "Name of the header."},
    {"name": "value", "type": "BYTES", "mode": "NULLABLE", "description": "Value of the header."},
)
DAY_MS = 86_400_000
_NAME_PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9_:.\-]*")


def bigquery_schema(table: Table) -> list[dict[str, object]]:
    """`schema.fields` of the stored table: name, type, mode and description of each column."""
    return [_column(field) for field in table.stored_fields]


def bigquery_table(table: Table) -> dict[str, object]:
    """The table resource without its reference: description, schema, daily partitions, their retention, clustering.

    BigQuery has no partitions by text: slices are found by clustering.
    """
    resource: dict[str, object] = {
        "description": f"{table.description} Grain: {table.grain}.",
        "schema": {"fields": bigquery_schema(table)},
    }
    if table.partition_by and table.field(table.partition_by).type in ("date", "timestamp"):
        expiring = {} if table.retention_days is None else {"expirationMs": str(table.retention_days * DAY_MS)}
        resource["timePartitioning"] = {"type": "DAY", "field": table.partition_by} | expiring
    if table.warehouse and table.warehouse.cluster_by:
        resource["clustering"] = {"fields": list(table.warehouse.cluster_by)}
    return resource


def versioned_name(table: Table) -> str:
    """Name of the table behind the view; raises ContractError where the table is not published to BigQuery."""
    if table.warehouse is None:
        raise ContractError(f"{table.full_name} is not published to BigQuery; give its declaration a Warehouse.")
    return f"{table.name}_v{table.warehouse.version}"


def view_query(table: Table, project: str, dataset: str) -> str:
    """SELECT of the view over the current version: the declared columns, and as of when a cell is known."""
    columns = ",\n".join(f"  `{field.name}`" for field in table.shown_fields)
    return f"SELECT\n{columns}\nFROM {quoted(project, dataset, versioned_name(table))}"


def view_sql(table: Table, project: str, dataset: str) -> str:
    """Statement that makes the view `<dataset>.<name>`, or points it at the current version."""
    view = quoted(project, dataset, table.name)
    query = view_query(table, project, dataset)
    return f"CREATE OR REPLACE VIEW {view}\nOPTIONS (description = {quoted_text(table.description)}) AS\n{query}"


def quoted_text(text: str) -> str:
    """The text as a literal of SQL."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _column(field: Field) -> dict[str, object]:
    described = {"name": field.name, "description": field.description}
    if field.type == "headers":
        return {**described, "type": "RECORD", "mode": "REPEATED", "fields": [dict(one) for one in _HEADER_FIELDS]}
    return {**described, "type": _TYPES[field.type], "mode": "NULLABLE" if field.nullable else "REQUIRED"}


def quoted(*parts: str) -> str:
    """A name of so many parts in quotes; raises ContractError where it would not be one."""
    for part in parts:
        if not _NAME_PART.fullmatch(part):
            raise ContractError(f"{part!r} is no name of a BigQuery project, dataset or table; correct the setting.")
    return f"`{'.'.join(parts)}`"
