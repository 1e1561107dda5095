"""Avro: the schema clients write a version of an event with (Avro 1.12, record and timestamp-micros)."""

from schemas.errors import ContractError
from schemas.model import Event, Field

NAMESPACE = "tonearm"

_TYPES: dict[str, str | dict[str, str]] = {
    "string": "string",
    "binary": "bytes",
    "boolean": "boolean",
    "int": "int",
    "long": "long",
    "timestamp": {"type": "long", "logicalType": "timestamp-micros"},
    "date": {"type": "int", "logicalType": "date"},
}


def avro_schema(event: Event) -> dict[str, object]:
    """The Avro record of one event version; a nullable field is a union with null first and defaults to null."""
    return {
        "type": "record",
        "name": event.name,
        "namespace": NAMESPACE,
        "doc": event.description,
        "fields": [_field(field) for field in event.fields],
    }


def _field(field: Field) -> dict[str, object]:
    if field.type not in _TYPES:
        raise ContractError(
            f"Field {field.name} is of type {field.type}, which no event can carry; choose another type."
        )
    plain = _TYPES[field.type]
    if field.nullable:
        return {"name": field.name, "type": ["null", plain], "default": None, "doc": field.description}
    return {"name": field.name, "type": plain, "doc": field.description}
