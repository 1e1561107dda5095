"""JSON Schema (2020-12): what an event looks like as a JSON object on the wire."""

from schemas.errors import ContractError
from schemas.model import Event, Field

DIALECT = "https://json-schema.org/draft/2020-12/schema"

_INT32 = {"type": "integer", "minimum": -(2**31), "maximum": 2**31 - 1}
_INT64 = {"type": "integer", "minimum": -(2**63), "maximum": 2**63 - 1}
_TYPES: dict[str, dict[str, object]] = {
    "string": {"type": "string"},
    "boolean": {"type": "boolean"},
    "int": {**_INT32},
    "long": {**_INT64},
    # RFC 3339, or microseconds since 1970
    "timestamp": {"anyOf": [{"type": "string", "format": "date-time"}, {**_INT64}]},
}


def json_schema(event: Event) -> dict[str, object]:
    """The JSON object of one event version; fields it does not name are ignored by readers, so they are allowed."""
    return {
        "$schema": DIALECT,
        "title": f"{event.name} version {event.version}",
        "description": event.description,
        "type": "object",
        "properties": {field.name: _property(field) for field in event.fields},
        "required": [field.name for field in event.fields if not field.nullable],
        "additionalProperties": True,
    }


def _property(field: Field) -> dict[str, object]:
    if field.type not in _TYPES:
        raise ContractError(
            f"Field {field.name} is of type {field.type}, which no event can carry; choose another type."
        )
    described = {"description": field.description}
    if field.nullable:
        return {**described, "anyOf": [_TYPES[field.type], {"type": "null"}]}
    return {**described, **_TYPES[field.type]}
