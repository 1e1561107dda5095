"""Ways in which a message is no event, each with the reason that the pipeline must give for it.

What is spoilt follows from the event alone, so that a message that is sent twice is spoilt twice in the same way. Key
and headers stay as they are: a body that nobody can read is accounted for by its headers.
"""

import gzip
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from playback.reasons import Reason
from playback.simulator.catalogue import Floats, Ints
from playback.wire import HEADER_BYTES, MARKER, MAX_PAYLOAD_BYTES


@dataclass(frozen=True)
class Value:
    """The event has a wrong value in one column: `spoil` makes it of the column, or is it."""

    name: str
    reason: Reason
    column: str
    spoil: Callable[[pa.Array], pa.Array] | str | int | datetime
    weight: float = 1.0


@dataclass(frozen=True)
class Bytes:
    """The Avro payload is broken."""

    name: str
    reason: Reason
    spoil: Callable[[bytes], bytes | None]
    weight: float = 1.0


@dataclass(frozen=True)
class Object:
    """The payload is JSON with something wrong; `spoil` gets the event as an object."""

    name: str
    reason: Reason
    spoil: Callable[[dict[str, Any]], bytes]
    weight: float = 1.0


Kind = Value | Bytes | Object


def _upper_case(user_id: pa.StringArray) -> pa.StringArray:
    # one that has digits only would stay what it is
    return pc.utf8_replace_slice(pc.utf8_upper(user_id), 0, 1, "A")


def _nanoseconds(milliseconds: pa.Int64Array) -> pa.Int64Array:
    return pc.multiply(pc.max_element_wise(milliseconds, 1_000), 1_000_000)


def _negative(milliseconds: pa.Int64Array) -> pa.Int64Array:
    return pc.subtract(-1, milliseconds.fill_null(0))


def _without(name: str) -> Callable[[dict[str, Any]], bytes]:
    return lambda event: orjson.dumps({key: value for key, value in event.items() if key != name})


def _with(name: str, value: object) -> Callable[[dict[str, Any]], bytes]:
    return lambda event: orjson.dumps(event | {name: value})


def _ending(text: bytes) -> Callable[[dict[str, Any]], bytes]:
    return lambda event: orjson.dumps(event)[:-1] + text


_HEADER = slice(0, HEADER_BYTES)
_FIRST_TEXT = HEADER_BYTES + 1
"""Where event_id begins: behind its length, which fits into one byte."""

KINDS: tuple[Kind, ...] = (
    Value("empty_event_id", Reason.EMPTY_FIELD, "event_id", ""),
    Value("empty_source", Reason.EMPTY_FIELD, "source", ""),
    Value("long_event_id", Reason.TEXT_TOO_LONG, "event_id", "e" * 200),
    Value("long_title", Reason.TEXT_TOO_LONG, "track_title", "la " * 400),
    Value("account_as_user_id", Reason.BAD_USER_ID, "user_id", "account-1"),
    Value("upper_case_user_id", Reason.BAD_USER_ID, "user_id", _upper_case),
    Value("short_user_id", Reason.BAD_USER_ID, "user_id", lambda column: pc.utf8_slice_codeunits(column, 0, 31)),
    Value("unknown_content_type", Reason.BAD_CONTENT_TYPE, "content_type", "video"),
    Value("unknown_outcome", Reason.BAD_OUTCOME, "outcome", "paused"),
    Value("upper_case_outcome", Reason.BAD_OUTCOME, "outcome", "PLAY"),
    Value("lower_case_country", Reason.BAD_COUNTRY, "country", lambda column: pc.utf8_lower(column.fill_null("ZZ"))),
    Value("country_name", Reason.BAD_COUNTRY, "country", "Germany"),
    Value("negative_ms_played", Reason.NEGATIVE_DURATION, "ms_played", _negative),
    Value("negative_paused_ms", Reason.NEGATIVE_DURATION, "paused_ms", _negative),
    Value("duration_in_nanoseconds", Reason.ABSURD_DURATION, "ms_played", _nanoseconds),
    Value("absurd_track_ms", Reason.ABSURD_DURATION, "track_ms", 2**40),
    Value("year_1970", Reason.TIME_OUT_OF_RANGE, "occurred_at", datetime(1970, 1, 1, tzinfo=UTC)),
    Value("year_2099", Reason.CLOCK_SKEW, "occurred_at", datetime(2099, 12, 31, tzinfo=UTC)),
    Value("utc_offset_in_seconds", Reason.BAD_UTC_OFFSET, "utc_offset_minutes", 3_600),
    Bytes("no_payload", Reason.MISSING_PAYLOAD, lambda _: None),
    Bytes("empty_payload", Reason.EMPTY_PAYLOAD, lambda _: b""),
    # a hundred of them would be as large as all the others together
    Bytes("oversized", Reason.OVERSIZED_PAYLOAD, lambda good: good + bytes(MAX_PAYLOAD_BYTES), weight=0.05),
    Bytes("plain_text", Reason.UNKNOWN_FORMAT, lambda _: b"502 Bad Gateway"),
    Bytes("json_array", Reason.UNKNOWN_FORMAT, lambda _: b"[1, 2, 3]"),
    Bytes("protobuf", Reason.UNKNOWN_FORMAT, lambda good: b"\x0a\x20" + good[_FIRST_TEXT : _FIRST_TEXT + 32]),
    Bytes("registry_framing", Reason.UNKNOWN_FORMAT, lambda good: b"\x00\x00\x00\x00\x01" + good[HEADER_BYTES:]),
    Bytes("compressed", Reason.UNKNOWN_FORMAT, lambda good: gzip.compress(good, mtime=0)),
    Bytes("unknown_fingerprint", Reason.UNKNOWN_FINGERPRINT, lambda good: MARKER + bytes(8) + good[HEADER_BYTES:]),
    Bytes("truncated_header", Reason.TRUNCATED_AVRO, lambda good: good[:6]),
    Bytes("header_alone", Reason.TRUNCATED_AVRO, lambda good: good[_HEADER]),
    Bytes("truncated_datum", Reason.TRUNCATED_AVRO, lambda good: good[: len(good) * 2 // 3]),
    Bytes("negative_length", Reason.MALFORMED_AVRO, lambda good: good[_HEADER] + b"\x01" + good[_FIRST_TEXT:]),
    Bytes("endless_number", Reason.MALFORMED_AVRO, lambda good: good[_HEADER] + b"\xff" * 12 + good[_FIRST_TEXT:]),
    Bytes("trailing_bytes", Reason.TRAILING_BYTES, lambda good: good + b"\x00"),
    Bytes("two_datums", Reason.TRAILING_BYTES, lambda good: good + good[HEADER_BYTES:]),
    Bytes("invalid_utf8", Reason.INVALID_UTF8, lambda good: good[:_FIRST_TEXT] + b"\xff" + good[_FIRST_TEXT + 1 :]),
    Object("truncated_json", Reason.INVALID_JSON, lambda event: orjson.dumps(event)[:-20]),
    Object("two_objects", Reason.INVALID_JSON, lambda event: orjson.dumps(event) * 2),
    Object("lone_surrogate", Reason.INVALID_JSON, _ending(rb',"note":"\ud800"}')),
    Object("not_a_number", Reason.INVALID_JSON, _ending(b',"gain":NaN}')),
    Object("latin_1_json", Reason.INVALID_UTF8, _ending(b',"note":"caf\xe9"}')),
    Object("json_without_user_id", Reason.MISSING_FIELD, _without("user_id")),
    Object("json_null_ms_played", Reason.MISSING_FIELD, _with("ms_played", None)),
    Object("json_number_as_text", Reason.WRONG_TYPE, _with("ms_played", "30000")),
    Object("json_fraction", Reason.WRONG_TYPE, _with("ms_played", 30000.5)),
    Object("json_time_without_zone", Reason.WRONG_TYPE, _with("occurred_at", "2024-05-02T10:30:00")),
    Object("json_beyond_int32", Reason.NUMBER_OUT_OF_RANGE, _with("seek_count", 2**31)),
    Object("json_beyond_int64", Reason.NUMBER_OUT_OF_RANGE, _with("ms_played", 2**64 - 1)),
)

_UP_TO = np.cumsum([kind.weight for kind in KINDS])


def kinds_of(chance: Floats) -> Ints:
    """A kind for each number in [0, 1), by weight and counted from 1."""
    found: Ints = np.searchsorted(_UP_TO[:-1], chance * _UP_TO[-1], side="right") + 1
    return found


def spoil_values(events: pa.RecordBatch, kinds: Ints) -> pa.RecordBatch:
    """The events with the wrong value of each one's kind (counted from 1); those of other kinds as they were."""
    columns = dict(zip(events.schema.names, events.columns, strict=True))
    for number in np.unique(kinds).tolist():
        kind = KINDS[number - 1]
        if isinstance(kind, Value):
            column = columns[kind.column]
            spoilt = kind.spoil(column) if callable(kind.spoil) else pa.scalar(kind.spoil, column.type)
            columns[kind.column] = pc.if_else(pa.array(kinds == number), spoilt, column)
    return pa.RecordBatch.from_arrays(list(columns.values()), schema=events.schema)


def spoil_payload(kind: Kind, payload: bytes, event: dict[str, Any]) -> bytes | None:
    """What is sent instead of this payload of this event."""
    match kind:
        case Bytes():
            return kind.spoil(payload)
        case Object():
            return kind.spoil(event)
        case Value():
            return payload
