"""Payloads of simulated events: Avro, JSON as clients of old write it, and spoilt ones."""

from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from playback.simulator.audience import VERSIONS
from playback.simulator.catalogue import Flags, Ints
from playback.simulator.malformed import KINDS, Object, spoil_payload, spoil_values
from playback.wire import encode
from schemas.events import PLAYBACK_V1

_UNKNOWN_FINGERPRINT = 1 + [kind.name for kind in KINDS].index("unknown_fingerprint")


def payloads(events: pa.RecordBatch, as_json: Flags, kinds: Ints) -> pa.BinaryArray:
    """The payload of each event: of the current version by clients that know it, else of version 1.

    What names an unknown version is a datum of version 1.

    `kinds` of `playback.simulator.malformed` are counted from 1; 0: nothing is wrong. What is spoilt is Avro, unless
    its kind is one of JSON, whatever `as_json` says.
    """
    is_new = pc.equal(events.column("app_version"), VERSIONS[-1])
    good = _written(events, is_new)
    odd = np.flatnonzero(as_json | (kinds != 0))
    if not len(odd):
        return good
    where = pa.array(odd)
    odd_kinds = kinds[odd].tolist()
    spoilt = spoil_values(events.take(where), kinds[odd])
    # So that one rule can bring them all back: nothing else tells of which version a datum is.
    is_named = pa.array(kinds[odd] != _UNKNOWN_FINGERPRINT)
    written = _written(spoilt, pc.and_(is_new.take(where), is_named)).to_pylist()
    is_object = np.array([not kind or isinstance(KINDS[kind - 1], Object) for kind in odd_kinds], np.bool_)
    objects = iter(_objects(spoilt.filter(pa.array(is_object))))
    replaced = [
        _replaced(kind, payload, next(objects) if with_object else {})
        for kind, payload, with_object in zip(odd_kinds, written, is_object.tolist(), strict=True)
    ]
    chosen = np.zeros(len(good), np.bool_)
    chosen[odd] = True
    return pc.replace_with_mask(good, pa.array(chosen), pa.array(replaced, pa.binary()))


def _written(events: pa.RecordBatch, is_new: pa.BooleanArray) -> pa.BinaryArray:
    """The events in Avro, each of the version that its client knows."""
    is_old = pc.invert(is_new)
    old = encode(events.filter(is_old), PLAYBACK_V1)
    written = pc.replace_with_mask(pa.nulls(len(events), pa.binary()), is_old, old)
    return pc.replace_with_mask(written, is_new, encode(events.filter(is_new)))


def _replaced(kind: int, payload: bytes, event: dict[str, Any]) -> bytes | None:
    return spoil_payload(KINDS[kind - 1], payload, event) if kind else orjson.dumps(event)


def _objects(events: pa.RecordBatch) -> list[dict[str, Any]]:
    """Events as JSON objects, with RFC 3339 times."""
    place = events.schema.get_field_index("occurred_at")
    times = pc.strftime(events.column(place), format="%Y-%m-%dT%H:%M:%SZ")
    found: list[dict[str, Any]] = events.set_column(place, "occurred_at", times).to_pylist()
    return found
