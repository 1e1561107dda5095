"""Payloads that the simulator does not send: other formats, broken Avro, broken JSON, odd and wrong values."""

import gzip
import io
import pickle
import zipfile
from collections.abc import Callable
from typing import Any

import orjson
import zstandard
from fastavro import writer

from playback.reasons import Reason
from playback.wire import HEADER_BYTES, MARKER
from schemas.events import CURRENT, PLAYBACK_V1, PLAYBACK_V2
from schemas.render.avro import avro_schema
from tests.poison.kinds import HEADER, Fate, Group, Poison, Sound, json, value, wide

_INT64 = 2**63


def _zip(content: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("event.json", content)
    return out.getvalue()


def _container(sound: Sound) -> bytes:
    out = io.BytesIO()
    writer(out, avro_schema(CURRENT), [dict(sound.event)])
    return out.getvalue()


def _fixed(content: bytes) -> Callable[[Sound], bytes]:
    return lambda _: content


def _titled(title: bytes) -> Callable[[Sound], bytes]:
    """The datum with these bytes as its title, of which Python would make no text."""

    def datum(sound: Sound) -> bytes:
        stand_in = b"\x7f" * len(title)
        return sound.changed(track_title=stand_in.decode()).avro.replace(stand_in, title)

    return datum


def _ending(sound: Sound, last: bytes) -> bytes:
    """The datum with other bytes instead of its last field, which is null."""
    return sound.changed(private_session=None).avro[:-1] + last


def _with(text: bytes) -> Callable[[Sound], bytes]:
    """The JSON object with one more member."""
    return lambda sound: sound.json[:-1] + b"," + text + b"}"


def _instead(name: str, token: bytes) -> Callable[[Sound], bytes]:
    """The JSON object with any token as the value of one field."""
    return lambda sound: sound.changed(**{name: "?!"}).json.replace(b'"?!"', token)


def _without(name: str) -> Callable[[Sound], bytes]:
    return lambda sound: orjson.dumps({key: one for key, one in sound.event.items() if key != name})


_FORMATS: dict[str, Callable[[Sound], bytes]] = {
    "zip": lambda sound: _zip(sound.json),
    "zstd": lambda sound: zstandard.compress(sound.json),
    "gzip bomb": _fixed(gzip.compress(bytes(10_000_000), mtime=0)),
    "pickle": lambda sound: pickle.dumps(dict(sound.event)),
    "HTML": _fixed(b"<!DOCTYPE html><title>503 Service Unavailable</title>"),
    "XML": _fixed(b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "bb"><!ENTITY c "&b;&b;">]><a>&c;</a>'),
    "form": _fixed(b"event_id=e&ms_played=1"),
    "Avro file": _container,
    "JSON with a byte order mark": lambda sound: b"\xef\xbb\xbf" + sound.json,
    "JSON in UTF-16": lambda sound: sound.json.decode().encode("utf-16"),
    "JSON after a space": lambda sound: b" " + sound.json,
    "JSON text": lambda sound: orjson.dumps(sound.json.decode()),
    "JSON null": _fixed(b"null"),
    "JSON number": _fixed(b"1"),
    "one byte of the marker": _fixed(MARKER[:1]),
    "another second byte of the marker": lambda sound: b"\xc3\x02" + sound.avro[2:],
    "a single zero": _fixed(b"\x00"),
    "only 0xFF": _fixed(b"\xff" * 64),
}

_AVRO: dict[str, tuple[Group, Reason, Callable[[Sound], bytes]]] = {
    "fingerprint in the other order": (
        Group.FORMAT,
        Reason.UNKNOWN_FINGERPRINT,
        lambda sound: MARKER + HEADER[:1:-1] + sound.avro[HEADER_BYTES:],
    ),
    # Version 2 is version 1 and two fields more: no body of the one is a datum of the other, whatever it says.
    "body of version 1 under the fingerprint of version 2": (
        Group.FORMAT,
        Reason.TRUNCATED_AVRO,
        lambda sound: sound.under_header_of(PLAYBACK_V2, body=PLAYBACK_V1),
    ),
    "body of version 2 under the fingerprint of version 1": (
        Group.FORMAT,
        Reason.TRAILING_BYTES,
        lambda sound: sound.under_header_of(PLAYBACK_V1, body=PLAYBACK_V2),
    ),
    "last byte is missing": (Group.LENGTH, Reason.TRUNCATED_AVRO, lambda sound: sound.avro[:-1]),
    "text of 2^62 bytes": (
        Group.LENGTH,
        Reason.TRUNCATED_AVRO,
        _fixed(HEADER + b"\xfe\xff\xff\xff\xff\xff\xff\xff\x7f"),
    ),
    "text of length -2^63": (
        Group.LENGTH,
        Reason.MALFORMED_AVRO,
        _fixed(HEADER + b"\xff" * 9 + b"\x01" + bytes(60)),
    ),
    "branch that does not exist": (Group.LENGTH, Reason.MALFORMED_AVRO, lambda sound: _ending(sound, b"\x04")),
    "negative branch": (Group.LENGTH, Reason.MALFORMED_AVRO, lambda sound: _ending(sound, b"\x01")),
    "number in more bytes than it needs": (
        Group.LENGTH,
        Reason.TRAILING_BYTES,
        lambda sound: _ending(sound, b"\x82\x00\x01"),
    ),
    "datum and 100,000 zeros": (Group.LENGTH, Reason.TRAILING_BYTES, lambda sound: sound.avro + bytes(100_000)),
    "surrogate in three bytes": (Group.TEXT, Reason.INVALID_UTF8, _titled(b"\xed\xa0\x80")),
    "NUL in two bytes": (Group.TEXT, Reason.INVALID_UTF8, _titled(b"\xc0\x80ab")),
    "text cut inside a character": (Group.TEXT, Reason.INVALID_UTF8, _titled(b"caf\xc3")),
    "beyond the last character": (Group.TEXT, Reason.INVALID_UTF8, _titled(b"\xf4\x90\x80\x80")),
}

_JSON: dict[str, tuple[Group, Reason, Callable[[Sound], bytes]]] = {
    **{
        f"{name} as a number": (Group.NUMBER, Reason.INVALID_JSON, _instead("ms_played", token))
        for name, token in {
            "NaN": b"NaN",
            "Infinity": b"Infinity",
            "-Infinity": b"-Infinity",
            "1e999": b"1e999",
            "5,000 digits": b"9" * 5_000,
            "hexadecimal": b"0x7530",
            "+1": b"+1",
        }.items()
    },
    "low surrogate alone": (Group.TEXT, Reason.INVALID_JSON, _with(rb'"note":"\udc00"')),
    "surrogate in a name": (Group.TEXT, Reason.INVALID_JSON, _with(rb'"\ud800":1')),
    "surrogate in three bytes, JSON": (Group.TEXT, Reason.INVALID_UTF8, _with(b'"note":"\xed\xa0\x80"')),
    "control character, JSON": (Group.TEXT, Reason.INVALID_JSON, _with(b'"note":"\x00"')),
    "2,000 objects deep": (Group.SHAPE, Reason.INVALID_JSON, _with(b'"a":' + b'{"a":' * 2_000 + b"1" + b"}" * 2_000)),
    "100,000 lists never closed": (Group.SHAPE, Reason.INVALID_JSON, _fixed(b'{"a":' + b"[" * 100_000)),
    "one brace": (Group.SHAPE, Reason.INVALID_JSON, _fixed(b"{")),
    "single quotes": (Group.SHAPE, Reason.INVALID_JSON, lambda sound: sound.json.replace(b'"', b"'")),
    "trailing comma": (Group.SHAPE, Reason.INVALID_JSON, lambda sound: sound.json[:-1] + b",}"),
    "comment": (Group.SHAPE, Reason.INVALID_JSON, lambda sound: sound.json + b"// sent by the old client"),
    "NUL after the object": (Group.SHAPE, Reason.INVALID_JSON, lambda sound: sound.json + b"\x00"),
    "JSON in UTF-16 without a mark": (
        Group.SHAPE,
        Reason.INVALID_JSON,
        lambda sound: sound.changed(track_title="a").json.decode("ascii", "ignore").encode("utf-16-le"),
    ),
    "empty object": (Group.SHAPE, Reason.MISSING_FIELD, _fixed(b"{}")),
    "event inside another object": (
        Group.SHAPE,
        Reason.MISSING_FIELD,
        lambda sound: orjson.dumps({"event": dict(sound.event)}),
    ),
    "names in another case": (
        Group.SHAPE,
        Reason.MISSING_FIELD,
        lambda sound: orjson.dumps({name.upper(): one for name, one in sound.event.items()}),
    ),
    "all null": (Group.SHAPE, Reason.MISSING_FIELD, lambda sound: orjson.dumps(dict.fromkeys(sound.event))),
}

_FIELDS: tuple[tuple[str, Group, Reason, str, Callable[[Sound], bytes]], ...] = (
    *((f"no {name}", Group.IDENTITY, Reason.MISSING_FIELD, name, _without(name)) for name in ("event_id", "source")),
    *(
        (f"{name} is {what}", Group.TYPE, Reason.WRONG_TYPE, name, _instead(name, token))
        for name, what, token in (
            ("event_id", "an object", b"{}"),
            ("event_id", "a number", b"7"),
            ("track_title", "a list", b'["Blue"]'),
            ("ms_played", "true", b"true"),
            ("ms_played", "text of infinity", b'"Infinity"'),
            ("seek_count", "5.0", b"5.0"),
            ("offline", "1", b"1"),
            ("occurred_at", "a fraction", b"1.7e15"),
            ("occurred_at", "a time of no day", b'"2024-02-30T10:00:00Z"'),
            ("occurred_at", "an object", b'{"seconds":1714645800}'),
        )
    ),
    *(
        (f"{name} is {token.decode()[:12]}", Group.NUMBER, Reason.NUMBER_OUT_OF_RANGE, name, _instead(name, token))
        for name, token in (
            ("ms_played", b"9223372036854775808"),
            ("ms_played", b"18446744073709551616"),
            ("ms_played", b"-9223372036854775809"),
            ("ms_played", b"1e30"),
            ("ms_played", b"9" * 300),
            ("seek_count", b"-2147483649"),
            ("occurred_at", b"9223372036854775808"),
        )
    ),
    ("time in seconds", Group.TIME, Reason.TIME_OUT_OF_RANGE, "occurred_at", _instead("occurred_at", b"1714645800")),
    (
        "time in nanoseconds",
        Group.TIME,
        Reason.CLOCK_SKEW,
        "occurred_at",
        _instead("occurred_at", b"1714645800000000000"),
    ),
    ("year 0", Group.TIME, Reason.TIME_OUT_OF_RANGE, "occurred_at", _instead("occurred_at", b'"0000-01-01T00:00:00Z"')),
    ("year 9999", Group.TIME, Reason.CLOCK_SKEW, "occurred_at", _instead("occurred_at", b'"9999-12-31T23:59:59.9Z"')),
)

_WIDE: tuple[tuple[str, Group, Reason, dict[str, Any]], ...] = (
    ("seek_count of 2^31, Avro", Group.NUMBER, Reason.NUMBER_OUT_OF_RANGE, {"seek_count": 2**31}),
    ("seek_count of 2^32 + 5, Avro", Group.NUMBER, Reason.NUMBER_OUT_OF_RANGE, {"seek_count": 2**32 + 5}),
    ("ms_played of 2^63 - 1, Avro", Group.DURATION, Reason.ABSURD_DURATION, {"ms_played": _INT64 - 1}),
    ("ms_played of -2^63, Avro", Group.DURATION, Reason.NEGATIVE_DURATION, {"ms_played": -_INT64}),
    ("first moment of 64 bits, Avro", Group.TIME, Reason.TIME_OUT_OF_RANGE, {"occurred_at": -_INT64}),
    ("last moment of 64 bits, Avro", Group.TIME, Reason.CLOCK_SKEW, {"occurred_at": _INT64 - 1}),
)

_HARMLESS: dict[str, Callable[[Sound], bytes]] = {
    "1,000 lists deep in an unknown field": _with(b'"a":' + b"[" * 1_000 + b"]" * 1_000),
    "a name twice: the last one counts": lambda sound: b'{"event_id":"other","ms_played":-1,' + sound.json[1:],
    "7,000 unknown fields": _with(b",".join(b'"f%d":%d' % (n, n) for n in range(7_000))),
}

PAYLOADS: tuple[Poison, ...] = (
    *(Poison(name, Group.FORMAT, Reason.UNKNOWN_FORMAT, value(make)) for name, make in _FORMATS.items()),
    *(Poison(name, group, reason, value(make)) for name, (group, reason, make) in (_AVRO | _JSON).items()),
    *(Poison(name, group, reason, value(make), field) for name, group, reason, field, make in _FIELDS),
    *(
        Poison(name, group, reason, wide, next(iter(changes)), changes=changes)
        for name, group, reason, changes in _WIDE
    ),
    *(Poison(name, Group.SHAPE, Fate.EVENT, value(make)) for name, make in _HARMLESS.items()),
    Poison(
        "odd characters, JSON",
        Group.TEXT,
        Fate.EVENT,
        json,
        changes={"track_title": "\x00\x1b[31m\u202e\ufeff\U0010ffff"},
    ),
)
