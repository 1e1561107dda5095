"""The kinds that the simulator sends too: those of a wrong value as Avro and as JSON."""

import numpy as np

from playback.reasons import Reason
from playback.simulator.malformed import KINDS, Bytes, Kind, Object, Value, spoil_payload, spoil_values
from tests.poison.kinds import Group, Poison, Record, Sound, avro, json

_GROUPS = {
    Reason.MISSING_PAYLOAD: Group.SIZE,
    Reason.EMPTY_PAYLOAD: Group.SIZE,
    Reason.OVERSIZED_PAYLOAD: Group.SIZE,
    Reason.UNKNOWN_FORMAT: Group.FORMAT,
    Reason.UNKNOWN_FINGERPRINT: Group.FORMAT,
    Reason.TRUNCATED_AVRO: Group.LENGTH,
    Reason.MALFORMED_AVRO: Group.LENGTH,
    Reason.TRAILING_BYTES: Group.LENGTH,
    Reason.INVALID_UTF8: Group.TEXT,
    Reason.INVALID_JSON: Group.SHAPE,
    Reason.MISSING_FIELD: Group.IDENTITY,
    Reason.WRONG_TYPE: Group.TYPE,
    Reason.NUMBER_OUT_OF_RANGE: Group.NUMBER,
    Reason.EMPTY_FIELD: Group.IDENTITY,
    Reason.TEXT_TOO_LONG: Group.SIZE,
    Reason.BAD_USER_ID: Group.IDENTITY,
    Reason.BAD_CONTENT_TYPE: Group.WORD,
    Reason.BAD_OUTCOME: Group.WORD,
    Reason.BAD_COUNTRY: Group.WORD,
    Reason.NEGATIVE_DURATION: Group.DURATION,
    Reason.ABSURD_DURATION: Group.DURATION,
    Reason.TIME_OUT_OF_RANGE: Group.TIME,
    Reason.CLOCK_SKEW: Group.TIME,
    Reason.BAD_UTC_OFFSET: Group.TIME,
}
_OTHER_GROUPS = {
    "lone_surrogate": Group.TEXT,
    "not_a_number": Group.NUMBER,
    "json_null_ms_played": Group.TYPE,
    "unknown_fingerprint": Group.FORMAT,
}


def _spoilt(kind: Value, sound: Sound) -> Sound:
    (event,) = spoil_values(sound.batch, np.array([KINDS.index(kind) + 1])).to_pylist()
    return Sound(event)


def _group(kind: Kind) -> Group:
    return _OTHER_GROUPS.get(kind.name, _GROUPS[kind.reason])


def _of_value(kind: Value) -> list[Poison]:
    return [
        Poison(f"{kind.name}, {form}", _group(kind), kind.reason, lambda sound, made=made: made(_spoilt(kind, sound)))
        for form, made in (("Avro", avro), ("JSON", json))
    ]


def _of_payload(kind: Bytes | Object) -> Poison:
    def record(sound: Sound) -> Record:
        return Record(spoil_payload(kind, sound.avro, dict(sound.event)), sound.key)

    is_large = kind.reason is Reason.OVERSIZED_PAYLOAD
    return Poison(kind.name, _group(kind), kind.reason, record, is_large=is_large)


SIMULATED: tuple[Poison, ...] = tuple(
    poison for kind in KINDS for poison in (_of_value(kind) if isinstance(kind, Value) else [_of_payload(kind)])
)
