"""The shape of a serving table in Cassandra: what it is and what it is declared to be."""

from infra.serving_store.session import ServingSession
from schemas.drift import Column, Shape
from schemas.model import Table
from schemas.render.cassandra import DAY_SECONDS, column_type, columns, primary_key, table_name

_COLUMNS = (
    "SELECT column_name, type, kind, position, clustering_order FROM system_schema.columns "
    "WHERE keyspace_name = ? AND table_name = ?"
)
_OPTIONS = "SELECT comment, default_time_to_live FROM system_schema.tables WHERE keyspace_name = ? AND table_name = ?"


def declared_shape(table: Table) -> Shape:
    """The shape that the declaration asks for; the table is served."""
    assert table.serving is not None
    partition_key, order = primary_key(table)
    found = tuple(Column(field.name, column_type(table, field), field.nullable) for field in columns(table))
    return Shape(
        "cassandra",
        found,
        partition_by=partition_key,
        order=order,
        description=table.description,
        version=table.serving.version,
        retention_days=table.retention_days,
    )


def found_shape(serving: ServingSession, table: Table) -> Shape | None:
    """The shape of the newest version up to the declared one, its columns in declared order; None: there is none."""
    assert table.serving is not None
    for version in range(table.serving.version, 0, -1):
        names = (serving.keyspace, table_name(table, version))
        if rows := list(serving.rows(_COLUMNS, names)):
            break
    else:
        return None
    declared = [field.name for field in columns(table)]
    # Cassandra keeps columns by name: in the order of the declaration, they are never called reordered.
    rows.sort(
        key=lambda row: (row["column_name"] not in declared, [*declared, row["column_name"]].index(row["column_name"]))
    )
    keyed = sorted(rows, key=lambda row: row["position"])
    order = [row for row in keyed if row["kind"] == "clustering"]
    options = next(iter(serving.rows(_OPTIONS, names)))
    return Shape(
        "cassandra",
        tuple(Column(row["column_name"], row["type"], True) for row in rows),
        partition_by=tuple(row["column_name"] for row in keyed if row["kind"] == "partition_key"),
        order=tuple(f"{row['column_name']} {row['clustering_order'].upper()}" for row in order),
        description=options["comment"] or "",
        version=version,
        retention_days=options["default_time_to_live"] // DAY_SECONDS or None,
    )
