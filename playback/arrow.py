"""Arrow schemas of declared fields."""

from collections.abc import Iterable
from dataclasses import replace

import pyarrow as pa

from schemas.model import Event, Field

_TYPES: dict[str, pa.DataType] = {
    "string": pa.string(),
    "binary": pa.binary(),
    "boolean": pa.bool_(),
    "int": pa.int32(),
    "long": pa.int64(),
    "timestamp": pa.timestamp("us", tz="UTC"),
    "date": pa.date32(),
    "headers": pa.list_(pa.struct([pa.field("key", pa.string()), pa.field("value", pa.binary())])),
}


def arrow_schema(fields: Iterable[Field]) -> pa.Schema:
    """Arrow schema of the fields in their order; timestamps are microseconds in UTC."""
    return pa.schema([pa.field(field.name, _TYPES[field.type], field.nullable) for field in fields])


def event_schema(event: Event) -> pa.Schema:
    """Arrow schema of one event version."""
    return arrow_schema(event.fields)


def as_nullable(fields: Iterable[Field]) -> tuple[Field, ...]:
    """The same fields, each nullable: what a batch has in which some rows could not be read."""
    return tuple(replace(field, nullable=True) for field in fields)
