"""Values at, just below and just beyond every limit, as Avro and as JSON; records at and beyond the topic's own."""

import random
from datetime import timedelta
from typing import Any

from infra.kafka.record_batches import MAX_KEPT_BYTES
from playback.reasons import Reason
from playback.validate import (
    EARLIEST,
    MAX_DURATION_MS,
    MAX_ID_CHARACTERS,
    MAX_TEXT_CHARACTERS,
    MAX_UTC_OFFSET_MINUTES,
)
from playback.wire import MAX_PAYLOAD_BYTES
from tests.poison.kinds import Fate, Group, Poison, Record, Sound, avro, json

_MICROSECOND = timedelta(microseconds=1)
_WIDEST = "\N{MUSICAL SYMBOL G CLEF}"
"""Four bytes in UTF-8: limits are of characters."""

_BATCH_OF_ONE = 61 + 3 + 40
"""Bytes around the value in a batch of one record with a key of 32 bytes: of the batch, its length, its other parts."""
_TOPIC_LIMIT = 1_048_588
"""`max.message.bytes`, as Kafka has it by default."""

_WITHIN: dict[str, tuple[Any, ...]] = {
    "track_title": ("t" * MAX_TEXT_CHARACTERS, _WIDEST * MAX_TEXT_CHARACTERS, _WIDEST * (MAX_TEXT_CHARACTERS - 1), ""),
    "source": ("s" * MAX_TEXT_CHARACTERS,),
    "ms_played": (0, 1, MAX_DURATION_MS - 1, MAX_DURATION_MS),
    "track_ms": (0, MAX_DURATION_MS),
    "paused_ms": (0, MAX_DURATION_MS),
    "utc_offset_minutes": (-MAX_UTC_OFFSET_MINUTES, MAX_UTC_OFFSET_MINUTES),
    "seek_count": (2**31 - 1, -(2**31)),
    "sequence": (2**63 - 1, -(2**63)),
    "occurred_at": (EARLIEST, EARLIEST + _MICROSECOND),
}

_BEYOND: tuple[tuple[Group, Reason, str, Any], ...] = (
    (Group.SIZE, Reason.TEXT_TOO_LONG, "event_id", "e" * (MAX_ID_CHARACTERS + 1)),
    *(
        (Group.SIZE, Reason.TEXT_TOO_LONG, name, letter * (MAX_TEXT_CHARACTERS + 1))
        for name, letter in (("source", "s"), ("track_title", _WIDEST), ("platform", "p"), ("network", "n"))
    ),
    *(
        (Group.DURATION, reason, name, bad)
        for name in ("ms_played", "track_ms", "paused_ms")
        for reason, bad in ((Reason.NEGATIVE_DURATION, -1), (Reason.ABSURD_DURATION, MAX_DURATION_MS + 1))
    ),
    (Group.TIME, Reason.BAD_UTC_OFFSET, "utc_offset_minutes", MAX_UTC_OFFSET_MINUTES + 1),
    (Group.TIME, Reason.BAD_UTC_OFFSET, "utc_offset_minutes", -MAX_UTC_OFFSET_MINUTES - 1),
    (Group.TIME, Reason.TIME_OUT_OF_RANGE, "occurred_at", EARLIEST - _MICROSECOND),
    (Group.IDENTITY, Reason.BAD_USER_ID, "user_id", "0123456789abcdef" * 2 + "\n"),
    (Group.IDENTITY, Reason.BAD_USER_ID, "user_id", ""),
    (Group.WORD, Reason.BAD_COUNTRY, "country", "DE\n"),
    (Group.WORD, Reason.BAD_COUNTRY, "country", "\N{CYRILLIC CAPITAL LETTER A}A"),
)


def _padded(size: int) -> Poison:
    def record(sound: Sound) -> Record:
        return Record(sound.json + b" " * (size - len(sound.json)), sound.key)

    fate = Fate.EVENT if size <= MAX_PAYLOAD_BYTES else Reason.OVERSIZED_PAYLOAD
    return Poison(f"payload of {size:,} bytes", Group.SIZE, fate, record, is_large=True)


def _whole(size: int) -> Poison:
    """A record that makes a batch of that size, which does not compress."""

    def record(sound: Sound) -> Record:
        return Record(random.Random(size).randbytes(size - _BATCH_OF_ONE), sound.key)

    fate = Reason.OVERSIZED_PAYLOAD if size <= _TOPIC_LIMIT else Fate.REFUSED
    return Poison(
        f"record of {size - _TOPIC_LIMIT:+} bytes to the topic's limit", Group.SIZE, fate, record, is_large=True
    )


def _bomb(size: int) -> Poison:
    def record(sound: Sound) -> Record:
        return Record(b"{" + b" " * (size - 2) + b"}", sound.key, packed=True)

    return Poison(f"record that inflates to {size:,}", Group.SIZE, Reason.OVERSIZED_PAYLOAD, record, is_large=True)


LIMITS: tuple[Poison, ...] = (
    *(
        Poison(f"{name}: within, {number}, {form}", Group.SIZE, Fate.EVENT, made, changes={name: one})
        for form, made in (("Avro", avro), ("JSON", json))
        for name, values in _WITHIN.items()
        for number, one in enumerate(values)
    ),
    *(
        Poison(f"{name}: beyond, {number}, {form}", group, reason, made, name, {name: one})
        for form, made in (("Avro", avro), ("JSON", json))
        for number, (group, reason, name, one) in enumerate(_BEYOND)
    ),
    *map(_padded, (MAX_PAYLOAD_BYTES - 1, MAX_PAYLOAD_BYTES, MAX_PAYLOAD_BYTES + 1)),
    *map(_whole, (_TOPIC_LIMIT, _TOPIC_LIMIT + 1)),
    *map(_bomb, (MAX_KEPT_BYTES, MAX_KEPT_BYTES + 1, 40 << 20)),
)
