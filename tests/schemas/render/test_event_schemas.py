"""Avro and JSON schemas of events."""

import pytest
from fastavro import parse_schema

from schemas.errors import ContractError
from schemas.events import CURRENT
from schemas.model import Event, Field
from schemas.render.avro import avro_schema
from schemas.render.json_schema import json_schema

EVENT = Event(
    "E",
    2,
    "An event.",
    (
        Field("id", "string", "Id."),
        Field("at", "timestamp", "Time."),
        Field("n", "int", "Number.", nullable=True),
        Field("on", "boolean", "Flag.", nullable=True),
    ),
)
HEADERS = Event("E", 3, "An event.", (Field("h", "headers", "Headers."),))


def test_avro_nullable_fields_are_unions_with_null_first_and_default_to_it() -> None:
    assert avro_schema(EVENT) == {
        "type": "record",
        "name": "E",
        "namespace": "tonearm",
        "doc": "An event.",
        "fields": [
            {"name": "id", "type": "string", "doc": "Id."},
            {"name": "at", "type": {"type": "long", "logicalType": "timestamp-micros"}, "doc": "Time."},
            {"name": "n", "type": ["null", "int"], "default": None, "doc": "Number."},
            {"name": "on", "type": ["null", "boolean"], "default": None, "doc": "Flag."},
        ],
    }


def test_the_current_avro_schema_is_one_that_avro_accepts() -> None:
    assert parse_schema(avro_schema(CURRENT))["name"] == "tonearm.PlaybackEvent"


def test_json_requires_what_is_not_nullable_and_allows_unknown_fields() -> None:
    int64 = {"type": "integer", "minimum": -(2**63), "maximum": 2**63 - 1}
    assert json_schema(EVENT) == {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "E version 2",
        "description": "An event.",
        "type": "object",
        "properties": {
            "id": {"description": "Id.", "type": "string"},
            "at": {"description": "Time.", "anyOf": [{"type": "string", "format": "date-time"}, int64]},
            "n": {
                "description": "Number.",
                "anyOf": [{"type": "integer", "minimum": -(2**31), "maximum": 2**31 - 1}, {"type": "null"}],
            },
            "on": {"description": "Flag.", "anyOf": [{"type": "boolean"}, {"type": "null"}]},
        },
        "required": ["id", "at"],
        "additionalProperties": True,
    }


@pytest.mark.parametrize("render", [avro_schema, json_schema])
def test_an_event_cannot_carry_headers(render: object) -> None:
    assert callable(render)
    with pytest.raises(ContractError, match="Field h is of type headers, which no event can carry"):
        render(HEADERS)
