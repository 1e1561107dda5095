"""Confluent's framing: a zero byte, the id of the writer's schema in a registry (4 bytes, big-endian), and the datum.

Which schema an id names is not known here: it is asked of `WriterSchemas`. A schema with the fingerprint of a released
version is that version. Any other flat one is resolved as Avro resolves schemas, by the names of fields: what an event
has no field for is left out, and a nullable field that the writer has not is null.
"""

import json
import struct
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from io import BytesIO
from typing import Any

import numpy as np
import pyarrow as pa
from fastavro import parse_schema, schemaless_reader
from fastavro.schema import SchemaParseException, UnknownType, fingerprint, to_parsing_canonical_form

from playback.datums import avro_fingerprint
from playback.objects import read_rows
from playback.reasons import Reason
from playback.verdicts import Verdicts
from schemas.events import RELEASED
from schemas.model import Event

MAGIC = b"\x00"
FRAME_BYTES = len(MAGIC) + 4

WriterSchemas = Callable[[int], str | None]
"""The schema under an id as text, None where the registry has none. One that cannot be asked raises, always: which
record is a dead letter must not follow from an outage."""

_PLAIN = frozenset(("null", "boolean", "int", "long", "float", "double", "bytes", "string", "enum", "fixed"))
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SCHEMA_ERRORS = (SchemaParseException, UnknownType, ValueError, TypeError, KeyError, AttributeError, RecursionError)
_DATUM_ERRORS = (
    ValueError,
    IndexError,
    TypeError,
    AttributeError,
    MemoryError,
    OverflowError,
    RecursionError,
    KeyError,
)


@lru_cache(maxsize=1_000)
def released_version(schema: str) -> Event | None:
    """The released version of which this is the schema, whatever its documentation and defaults; None: of none."""
    try:
        found = bytes.fromhex(fingerprint(to_parsing_canonical_form(json.loads(schema)), "CRC-64-AVRO"))
    except _SCHEMA_ERRORS:
        return None
    return next((event for event in RELEASED if avro_fingerprint(event) == found), None)


def read_resolved(datums: list[bytes], schema: str, event: Event) -> tuple[pa.RecordBatch, Verdicts]:
    """Decode bare datums of a schema that is no released version: a row of `event` for each, as `read_objects` does.

    One datum after another, since such writers are few.
    """
    verdicts = Verdicts(len(datums))
    parsed = _parsed(schema)
    rows: list[dict[str, object]] = [{} for _ in datums]
    if parsed is None:
        verdicts.refuse(np.ones(len(datums), np.bool_), Reason.UNFIT_SCHEMA)
    else:
        for place, datum in enumerate(datums):
            found = _row(datum, parsed)
            if isinstance(found, Reason):
                verdicts.refuse(np.array([place]), found)
            else:
                rows[place] = found
    return read_rows(rows, event, verdicts), verdicts


@lru_cache(maxsize=1_000)
def _parsed(schema: str) -> Any:
    """The schema ready for reading; None unless it is that of a record of plain values.

    An array of nothings would need memory for as many as a datum of few bytes says there are.
    """
    try:
        parsed: Any = parse_schema(json.loads(schema))
        flat = parsed["type"] == "record" and all(_is_plain(field["type"]) for field in parsed["fields"])
    except _SCHEMA_ERRORS:
        return None
    return parsed if flat else None


def _is_plain(kind: Any) -> bool:
    if isinstance(kind, list):
        return all(map(_is_plain, kind))
    return (kind["type"] if isinstance(kind, dict) else kind) in _PLAIN


def _row(datum: bytes, schema: Any) -> dict[str, object] | Reason:
    body = BytesIO(datum)
    try:
        found = schemaless_reader(body, schema, None)
    except UnicodeDecodeError:
        return Reason.INVALID_UTF8
    except (EOFError, struct.error):
        return Reason.TRUNCATED_AVRO
    except _DATUM_ERRORS as error:
        # of a number that is cut off
        return Reason.TRUNCATED_AVRO if "string index" in str(error) else Reason.MALFORMED_AVRO
    if body.tell() != len(datum):
        return Reason.TRAILING_BYTES
    assert isinstance(found, dict)
    return {name: _plain(value) for name, value in found.items()}


def _plain(value: object) -> object:
    """Moments as microseconds since 1970, whatever unit the writer's schema declares."""
    if isinstance(value, datetime) and value.tzinfo:
        return (value - _EPOCH) // timedelta(microseconds=1)
    return value
