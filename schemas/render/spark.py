"""Spark: the DDL of a schema, as `mapInArrow`, readers and `createDataFrame` take it on both engines."""

from collections.abc import Iterable

from schemas.model import Field, FieldType

_TYPES = {
    "string": "STRING",
    "binary": "BINARY",
    "boolean": "BOOLEAN",
    "int": "INT",
    "long": "BIGINT",
    "timestamp": "TIMESTAMP",
    "date": "DATE",
    "headers": "ARRAY<STRUCT<key: STRING, value: BINARY>>",
}


def spark_ddl(fields: Iterable[Field]) -> str:
    """Column list in Spark DDL, with NOT NULL and comments, one column after another in the declared order."""
    return ", ".join(_column(field) for field in fields)


def _column(field: Field) -> str:
    required = "" if field.nullable else " NOT NULL"
    # backslash escapes are the one form that Spark's and Sail's parsers both read
    comment = field.description.replace("\\", "\\\\").replace("'", "\\'")
    return f"`{field.name}` {_TYPES[field.type]}{required} COMMENT '{comment}'"


def spark_type(type_: FieldType) -> str:
    """A logical type in Spark DDL."""
    return _TYPES[type_]
