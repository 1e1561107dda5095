"""Drift of events: what is released in the code against the schemas that were written down when it was released."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from pathlib import Path

from schemas.drift import Change, Column, Shape, drift
from schemas.drift_kinds import EVENT_ADDED, EVENT_COLLISION, EVENT_EDITED, EVENT_REMOVED
from schemas.model import Event
from schemas.render.avro import avro_schema

RELEASED_FOLDER = Path(__file__).parent / "released"
"""The Avro schema of each released version, as `playback_event_v<version>.json`."""

AvroSchema = Mapping[str, object]


def event_drift(released: Sequence[Event], written: Mapping[int, AvroSchema]) -> tuple[Change, ...]:
    """Differences between the released versions, oldest first, and the Avro schemas that are `written` down of them.

    Also where the newest version cannot read an older one, and where two cannot be told apart.
    """
    return tuple(_differences(released, written))


def event_shape(event: Event) -> Shape:
    """The shape of one version: its fields, by which older records are read."""
    columns = tuple(Column(one.name, one.type, one.nullable) for one in event.fields)
    return Shape("event", columns)


def _differences(released: Sequence[Event], written: Mapping[int, AvroSchema]) -> Iterable[Change]:
    known = {event.version: event for event in released}
    name = released[-1].name
    for version in sorted(written.keys() - known.keys()):
        yield Change("event", name, EVENT_REMOVED, f"version {version}")
    for version, event in known.items():
        if version not in written:
            yield Change("event", name, EVENT_ADDED, f"version {version}")
        elif written[version] != avro_schema(event):
            yield Change("event", name, EVENT_EDITED, f"version {version}")
    for one, other in combinations(released, 2):
        if _identity(one) == _identity(other):
            yield Change("event", name, EVENT_COLLISION, f"versions {one.version} and {other.version}")
    for older in released[:-1]:
        about = f"{name} version {older.version} to {released[-1].version}"
        yield from drift(about, event_shape(released[-1]), event_shape(older))


def _identity(event: Event) -> object:
    """What an Avro fingerprint is made of: names, order and types, without descriptions, defaults, logical types."""
    same = {"timestamp": "long", "date": "int"}
    return event.name, tuple((one.name, same.get(one.type, one.type), one.nullable) for one in event.fields)
