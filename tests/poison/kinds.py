"""What a kind of poison is: a record made of a good event, and what must become of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property
from io import BytesIO
from typing import Any

import orjson
import pyarrow as pa
from fastavro import parse_schema, schemaless_writer

from playback.arrow import event_schema
from playback.datums import avro_fingerprint, reading_schema
from playback.reasons import Reason
from playback.wire import HEADER_BYTES, MARKER, encode
from schemas.events import CURRENT
from schemas.model import Event

Headers = tuple[tuple[str, bytes | None], ...]

OF_A_REGISTRY = {Reason.UNKNOWN_SCHEMA_ID, Reason.UNFIT_SCHEMA}
"""Of records where there is a schema registry only: tests/playback/test_framing.py."""

HEADER = MARKER + avro_fingerprint(CURRENT)
_WIDE = parse_schema(orjson.loads(reading_schema(CURRENT)))


class Group(StrEnum):
    """What is wrong with a record."""

    ENVELOPE = "key, headers and marks"
    FORMAT = "format and fingerprint"
    LENGTH = "truncated and over-long Avro"
    TEXT = "text that is no UTF-8"
    TYPE = "wrong types"
    NUMBER = "NaN, infinite, out of range"
    WORD = "words of no closed set"
    DURATION = "negative and absurd durations"
    TIME = "times and clock skew"
    IDENTITY = "missing and malformed ids"
    SIZE = "limits of size, bombs"
    SHAPE = "JSON of the wrong shape"
    DUPLICATE = "the same id again"


class Fate(StrEnum):
    """What becomes of a record that is no dead letter."""

    EVENT = "an event like any other"
    DUPLICATE = "a duplicate"
    CONFLICT = "a duplicate with other content"
    MARK = "a mark"
    REFUSED = "refused by the broker"


@dataclass(frozen=True)
class Record:
    """What goes to the topic; `packed`: in a batch that is compressed."""

    value: bytes | None
    key: bytes | None
    headers: Headers = ()
    packed: bool = False


@dataclass(frozen=True)
class Sound:
    """A good event, all fields of CURRENT, as poison is made of it."""

    event: Mapping[str, Any]

    @property
    def key(self) -> bytes:
        return str(self.event["user_id"]).encode()

    def changed(self, **changes: Any) -> "Sound":
        return replace(self, event={**self.event, **changes})

    @cached_property
    def avro(self) -> bytes:
        payload: bytes = encode(self.batch)[0].as_py()
        return payload

    def under_header_of(self, header: Event, body: Event) -> bytes:
        """The body that one released version has, under the fingerprint of another."""
        payload: bytes = encode(self.batch, body)[0].as_py()
        return MARKER + avro_fingerprint(header) + payload[HEADER_BYTES:]

    @cached_property
    def wide_avro(self) -> bytes:
        """The same from a codec that lets every int be a long and asks nothing else."""
        out = BytesIO()
        schemaless_writer(out, _WIDE, dict(self.event))
        return HEADER + out.getvalue()

    @cached_property
    def json(self) -> bytes:
        return orjson.dumps(dict(self.event))

    @property
    def batch(self) -> pa.RecordBatch:
        return pa.RecordBatch.from_pylist([dict(self.event)], schema=event_schema(CURRENT))


@dataclass(frozen=True)
class Poison:
    """One kind. `changes` are those that the event it is made of has had, `column` is the field that the reason names.

    `is_large`: a few of them are enough.
    """

    name: str
    group: Group
    fate: Reason | Fate
    record: Callable[[Sound], Record]
    column: str = ""
    changes: Mapping[str, Any] = field(default_factory=dict)
    is_large: bool = False

    def make(self, sound: Sound) -> Record:
        return self.record(sound.changed(**self.changes))


def avro(sound: Sound) -> Record:
    """The event as Avro, under its listener's key."""
    return Record(sound.avro, sound.key)


def wide(sound: Sound) -> Record:
    """The event as Avro in which an int may be too large."""
    return Record(sound.wide_avro, sound.key)


def json(sound: Sound) -> Record:
    """The event as JSON, under its listener's key."""
    return Record(sound.json, sound.key)


def value(make: Callable[[Sound], bytes | None]) -> Callable[[Sound], Record]:
    """Any value under the listener's key."""
    return lambda sound: Record(make(sound), sound.key)
