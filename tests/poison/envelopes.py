"""Hostile keys, headers and marks around good and bad bodies, and ids that come again."""

from collections.abc import Callable

from playback.reasons import Reason
from schemas.events import (
    HEADER_HIGH_WATER,
    HEADER_INSTALL_ID,
    HEADER_MANIFEST_ID,
    HEADER_REPLAY_OF,
    HEADER_SEQUENCE,
)
from tests.poison.kinds import Fate, Group, Headers, Poison, Record, Sound


class RawKey(str):
    """A header key that goes out as bytes which are no UTF-8."""

    def encode(self, *_: object, **__: object) -> bytes:
        return b"\xff\xfe"


RAW_KEY = RawKey("raw")

_NUMBERS: dict[str, bytes] = {
    "a word": b"abc",
    "negative": b"-1",
    "a fraction": b"1.5",
    "empty": b"",
    "5,000 digits": b"9" * 5_000,
    "2^63 - 1": b"9223372036854775807",
    "2^63": b"9223372036854775808",
    "no UTF-8": b"\xff\xfe",
    "digits of another script": "\N{ARABIC-INDIC DIGIT ONE}".encode(),
    "a line more": b"1\n",
}
_TEXTS: dict[str, bytes] = {
    "empty": b"",
    "no UTF-8": b"\xff\xfe",
    "100,000 letters": b"x" * 100_000,
    "a colon": b"manifest:m",
    "NUL": b"a\x00b",
    "a quote": b"'; DROP TABLE plays; --",
    "a path": b"../../../etc/passwd",
}
_REPLAYS: dict[str, bytes] = {
    "no record": b"x",
    "slashes": b"/" * 1_000,
    "a negative place": b"topic/-1/-1",
    "a place that never was": b"AAAAAAAAAAAAAAAAAAAAAA/0/9223372036854775807",
    "no UTF-8": b"\xff/0/1",
}


def _body(*headers: tuple[str, bytes | None]) -> Callable[[Sound], Record]:
    return lambda sound: Record(sound.avro, sound.key, headers)


def _under(key: bytes | None) -> Callable[[Sound], Record]:
    return lambda sound: Record(sound.avro, key)


def _nothing(value: bytes | None, *headers: tuple[str, bytes | None]) -> Callable[[Sound], Record]:
    return lambda sound: Record(value, sound.key, headers)


_HEADERS: dict[str, Headers] = {
    "key that is no UTF-8": (("a", b"1"), (RAW_KEY, b"1"), (HEADER_SEQUENCE, b"1")),
    "empty key": (("", b"1"),),
    "key of 100,000 letters": (("k" * 100_000, b"1"),),
    "value of 500,000 bytes": (("v", bytes(500_000)),),
    "5,000 of them": tuple((f"h{number}", b"1") for number in range(5_000)),
    "null value": ((HEADER_INSTALL_ID, None), (HEADER_SEQUENCE, None)),
    "the same twice": ((HEADER_SEQUENCE, b"1"), (HEADER_SEQUENCE, b"x")),
    "names in another case": (("Install_Id", b"i"), ("SEQUENCE", b"1")),
    **{
        f"{name} is {what}": ((HEADER_INSTALL_ID, b"poison-install"), (name, text))
        for name in (HEADER_SEQUENCE, HEADER_HIGH_WATER)
        for what, text in _NUMBERS.items()
    },
    **{
        f"{HEADER_INSTALL_ID} is {what}": ((HEADER_INSTALL_ID, text), (HEADER_SEQUENCE, b"0"))
        for what, text in _TEXTS.items()
    },
    **{f"{HEADER_MANIFEST_ID} is {what}": ((HEADER_MANIFEST_ID, text),) for what, text in _TEXTS.items()},
    **{f"{HEADER_REPLAY_OF} is {what}": ((HEADER_REPLAY_OF, text),) for what, text in _REPLAYS.items()},
}

_KEYS: dict[str, bytes | None] = {
    "null": None,
    "empty": b"",
    "of another user": b"0" * 32,
    "no UTF-8": b"\xff\xfe",
    "100,000 bytes": bytes(100_000),
}

_MARK = ((HEADER_INSTALL_ID, b"poison-marked"), (HEADER_HIGH_WATER, b"9223372036854775807"))
_LETTERS: dict[str, tuple[Reason, Callable[[Sound], Record]]] = {
    "mark that counts nothing": (Reason.MISSING_PAYLOAD, _nothing(None, *_MARK[:1], (HEADER_HIGH_WATER, b"many"))),
    "mark with a sequence": (Reason.MISSING_PAYLOAD, _nothing(None, *_MARK, (HEADER_SEQUENCE, b"1"))),
    "mark with no bytes": (Reason.EMPTY_PAYLOAD, _nothing(b"", *_MARK)),
    "mark with rubbish": (Reason.UNKNOWN_FORMAT, _nothing(b"rubbish", *_MARK)),
    "tombstone without a key": (Reason.MISSING_PAYLOAD, lambda _: Record(None, None, (("a", b"1"),))),
    "no body under a key that is no UTF-8": (Reason.MISSING_PAYLOAD, _nothing(None, (RAW_KEY, b"1"))),
    "replay of nothing, with rubbish": (Reason.UNKNOWN_FORMAT, _nothing(b"rubbish", (HEADER_REPLAY_OF, b"x/0/0"))),
}

ENVELOPES: tuple[Poison, ...] = (
    *(Poison(f"header: {name}", Group.ENVELOPE, Fate.EVENT, _body(*one)) for name, one in _HEADERS.items()),
    *(Poison(f"key: {name}", Group.ENVELOPE, Fate.EVENT, _under(key)) for name, key in _KEYS.items()),
    *(Poison(name, Group.ENVELOPE, reason, make) for name, (reason, make) in _LETTERS.items()),
    Poison("mark of too many", Group.ENVELOPE, Fate.MARK, _nothing(None, *_MARK)),
    Poison("mark of nobody", Group.ENVELOPE, Fate.MARK, _nothing(None, (HEADER_HIGH_WATER, b"1"))),
    Poison("mark around an event", Group.ENVELOPE, Fate.EVENT, _body(*_MARK)),
)

AGAIN: tuple[Poison, ...] = (
    Poison("the same as Avro", Group.DUPLICATE, Fate.DUPLICATE, lambda sound: Record(sound.avro, sound.key)),
    Poison("the same as JSON", Group.DUPLICATE, Fate.DUPLICATE, lambda sound: Record(sound.json, sound.key)),
    Poison("the same under no key", Group.DUPLICATE, Fate.DUPLICATE, _under(None)),
    *(
        Poison(
            f"another {name}",
            Group.DUPLICATE,
            Fate.CONFLICT,
            lambda sound: Record(sound.avro, sound.key),
            changes=changes,
        )
        for name, changes in (
            ("listener", {"user_id": "f" * 32}),
            ("length", {"ms_played": 77_777}),
            ("country", {"country": "XX"}),
            ("outcome and title", {"outcome": "skip", "track_title": "Another"}),
        )
    ),
)
"""Made of an event that was sent before."""
