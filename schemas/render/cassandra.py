"""Cassandra: the serving tables in CQL (Cassandra 5.0)."""

import re

from schemas.errors import ContractError
from schemas.model import Field, Serving, Table

_TYPES = {
    "string": "text",
    "binary": "blob",
    "boolean": "boolean",
    "int": "int",
    "long": "bigint",
    "timestamp": "timestamp",
    "date": "date",
}
"""CQL's `timestamp` has milliseconds: a served timestamp loses its microseconds."""

DAY_SECONDS = 86_400
_IDENTIFIER = re.compile(r"[a-z][a-z0-9_]{0,47}")

GENERATION = Field("generation", "long", "Publish number of the generation; readers take it from the pointer.")
"""Leading part of the partition key of a `snapshot` table."""


def table_name(table: Table, version: int | None = None) -> str:
    """Name of the serving table of a version (None: the declared one): `<layer>_<name>`, from 2 on `…_v<version>`."""
    if version is None:
        version = table.serving.version if table.serving else 1
    return f"{table.layer}_{table.name}" + (f"_v{version}" if version > 1 else "")


def primary_key(table: Table) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Columns of the partition key, and the clustering columns in order, each with its direction."""
    serving = _serving(table)
    generation = (GENERATION.name,) if _is_snapshot(table) else ()
    order = (f"{name} {'DESC' if name in serving.descending else 'ASC'}" for name in serving.clustering)
    return (*generation, *serving.partition_key), tuple(order)


def column_type(table: Table, field: Field) -> str:
    """CQL type of a column; raises ContractError where Cassandra has none for it."""
    return _type(table, field)


def columns(table: Table) -> tuple[Field, ...]:
    """Columns of the serving table in order: the declared fields, after the generation where there are generations."""
    _serving(table)
    return (GENERATION, *table.fields) if _is_snapshot(table) else table.fields


def create_table_cql(table: Table, keyspace: str) -> str:
    """CREATE TABLE IF NOT EXISTS of the serving table; raises ContractError where the table is not served."""
    serving = _serving(table)
    partition = ((GENERATION.name,) if _is_snapshot(table) else ()) + serving.partition_key
    lines = [f"{_quoted(field.name)} {_type(table, field)}" for field in columns(table)]
    lines.append(f"PRIMARY KEY ({', '.join([f'({_names(partition)})', *map(_quoted, serving.clustering)])})")
    options = []
    if serving.clustering:
        order = (f"{_quoted(name)} {'DESC' if name in serving.descending else 'ASC'}" for name in serving.clustering)
        options.append(f"CLUSTERING ORDER BY ({', '.join(order)})")
    if table.retention_days is not None:
        options.append(_retention(table))
    options.append("comment = '{}'".format(table.description.replace("'", "''")))
    body = ",\n  ".join(lines)
    name = f"{_quoted(keyspace)}.{_quoted(table_name(table))}"
    return f"CREATE TABLE IF NOT EXISTS {name} (\n  {body}\n) WITH {' AND '.join(options)}"


def alter_retention_cql(table: Table, keyspace: str) -> str:
    """Statement that gives rows the declared retention from now on; what is written already keeps its own."""
    name = f"{_quoted(keyspace)}.{_quoted(table_name(table))}"
    return f"ALTER TABLE {name} WITH {_retention(table)}"


def create_index_cql(table: Table, keyspace: str) -> tuple[str, ...]:
    """CREATE INDEX IF NOT EXISTS for each indexed column of the serving table."""
    name = table_name(table)
    return tuple(
        f"CREATE INDEX IF NOT EXISTS {_quoted(index_name(table, column))} ON {_quoted(keyspace)}.{_quoted(name)} "
        f"({_quoted(column)}) USING 'sai'"
        for column in _serving(table).indexed
    )


def index_name(table: Table, column: str) -> str:
    """Name of the index on a column, unique in its keyspace."""
    return f"{table_name(table)}_{column}"


def _retention(table: Table) -> str:
    """0, which is for good, where none is declared."""
    return f"default_time_to_live = {(table.retention_days or 0) * DAY_SECONDS}"


def _serving(table: Table) -> Serving:
    if table.serving is None:
        raise ContractError(f"{table.full_name} is not served from Cassandra; give its declaration a Serving.")
    return table.serving


def _is_snapshot(table: Table) -> bool:
    return _serving(table).mode == "snapshot"


def _type(table: Table, field: Field) -> str:
    if field.type not in _TYPES:
        raise ContractError(f"{table.full_name}.{field.name} is of type {field.type}, which Cassandra cannot serve.")
    return _TYPES[field.type]


def _names(names: tuple[str, ...]) -> str:
    return ", ".join(map(_quoted, names))


def _quoted(name: str) -> str:
    if not _IDENTIFIER.fullmatch(name):
        raise ContractError(
            f"{name!r} is no Cassandra name; use at most 48 lower-case letters, digits and underscores."
        )
    return f'"{name}"'
