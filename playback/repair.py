"""Dead letters under fix rules: the bytes to send again, and whether they would be an event now.

What a rule does not change keeps its bytes. A letter that it does change becomes a JSON object, whatever it was, so
that values which no Avro schema admits can be repaired too.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from playback.datums import avro_fingerprint, leading_datums, read_datums
from playback.fix_rules import Change, Rule, Value
from playback.framing import WriterSchemas
from playback.objects import microseconds
from playback.shapes import shape
from playback.validate import refuse_invalid
from playback.wire import HEADER_BYTES, MARKER, Decoded, decode
from schemas.errors import InputError
from schemas.events import RELEASED
from schemas.model import Event

LETTERS: pa.Schema = pa.schema(
    [
        pa.field("topic_id", pa.string()),
        pa.field("partition", pa.int32()),
        pa.field("offset", pa.int64()),
        pa.field("appended_at", pa.timestamp("us", tz="UTC")),
        pa.field("reason", pa.string()),
        pa.field("detail", pa.string()),
        pa.field("payload", pa.binary()),
        pa.field("key", pa.binary()),
        pa.field("install_id", pa.string()),
        pa.field("sequence", pa.int64()),
    ]
)
"""A dead letter of `bronze.dead_letters` with its key and headers out of the ledger."""

UNMATCHED = -1
_HEADERS = {event: MARKER + avro_fingerprint(event) for event in RELEASED}
_INT64 = range(-(2**63), 2**63)

Fields = dict[str, Any]
Changed = Counter[tuple[str, str, str, str]]
"""Letters by rule, field, and shape (`playback.shapes`) of the value before and after."""


@dataclass(frozen=True)
class Repaired:
    """The `payload` of each letter after its rule, the index of that `rule` (UNMATCHED: none), and what changed."""

    payload: pa.BinaryArray
    rule: npt.NDArray[np.int64]
    changed: Changed = field(default_factory=Counter)


def repair(letters: pa.RecordBatch, rules: Sequence[Rule]) -> Repaired:
    """Apply to each letter (LETTERS) the rule that is for it; raises InputError when two are for the same letter.

    A letter whose bytes the rule cannot read stays as it is, and so does a value that an operation does not fit.
    """
    payloads: list[bytes | None] = letters.column("payload").to_pylist()
    readings = _Readings(list(payloads))
    chosen = np.full(letters.num_rows, UNMATCHED)
    changed: Changed = Counter()
    for number, rule in enumerate(rules):
        for row, (body, one) in readings.of(_offered(letters, rule), rule):
            if rule.where and not _has(one, rule.where):
                continue
            if chosen[row] != UNMATCHED:
                raise InputError(
                    f"The rules {rules[chosen[row]].name!r} and {rule.name!r} are for the same dead letter: narrow one "
                    "of them (field, where, appended_from, appended_until)."
                )
            chosen[row] = number
            payloads[row] = body if one is None else _patched(one, body, rule, changed)
    return Repaired(pa.array(payloads, pa.binary()), chosen, changed)


def decide(payloads: pa.BinaryArray, appended_at: datetime, schemas: WriterSchemas | None = None) -> Decoded:
    """What the payloads are when the broker appends them at that moment: the events, and the verdicts against them."""
    decoded = decode(payloads, schemas)
    moments = pa.repeat(pa.scalar(appended_at, pa.timestamp("us", tz="UTC")), len(payloads))
    refuse_invalid(decoded.events, moments, decoded.verdicts)
    return decoded


class _Readings:
    """Letters as rules read them: under each reading a letter is read once, however many rules look at it."""

    def __init__(self, received: list[bytes | None]) -> None:
        self._received = received
        self._known: dict[object, dict[int, tuple[bytes | None, Fields | None]]] = {}

    def of(self, rows: list[int], rule: Rule) -> Iterator[tuple[int, tuple[bytes | None, Fields | None]]]:
        """Each row with the body under the rule's reading and, where the rule needs it, the object that it is."""
        needed = bool(rule.where or rule.changes)
        known = self._known.setdefault((rule.schema_version, rule.drop_trailing, needed), {})
        new = [row for row in rows if row not in known]
        bodies = _reread([self._received[row] for row in new], rule)
        objects = _objects(bodies) if needed else [None] * len(bodies)
        known.update(zip(new, zip(bodies, objects, strict=True), strict=True))
        return ((row, known[row]) for row in rows)


def _offered(letters: pa.RecordBatch, rule: Rule) -> list[int]:
    """Rows that the rule is for by what is known of a letter without reading it."""
    condition = pc.equal(letters.column("reason"), str(rule.reason))
    if rule.field:
        condition = pc.and_(condition, pc.ends_with(letters.column("detail"), f"(field {rule.field})"))
    appended_at = letters.column("appended_at")
    if rule.appended_from:
        condition = pc.and_(condition, pc.greater_equal(appended_at, pa.scalar(rule.appended_from, appended_at.type)))
    if rule.appended_until:
        condition = pc.and_(condition, pc.less(appended_at, pa.scalar(rule.appended_until, appended_at.type)))
    rows: list[int] = np.flatnonzero(condition.fill_null(False).to_numpy(zero_copy_only=False)).tolist()
    return rows


def _reread(bodies: list[bytes | None], rule: Rule) -> list[bytes | None]:
    """The bodies as the rule reads them: under another version, without what follows the datum."""
    if rule.schema_version is not None:
        header = next(_HEADERS[event] for event in RELEASED if event.version == rule.schema_version)
        bodies = [
            header + body[HEADER_BYTES:] if body and body.startswith(MARKER) and len(body) >= HEADER_BYTES else body
            for body in bodies
        ]
    if rule.drop_trailing:
        bodies = list(bodies)
        for event, rows, datums in _by_writer(bodies):
            for row, datum in zip(rows, leading_datums(datums, event), strict=True):
                bodies[row] = bodies[row] if datum is None else _HEADERS[event] + datum
    return bodies


def _objects(bodies: list[bytes | None]) -> list[Fields | None]:
    """Each body as a JSON object, its timestamps as they are in JSON; None where it cannot be read."""
    objects = [_object(body) for body in bodies]
    for event, rows, datums in _by_writer(bodies):
        batch, verdicts = read_datums(datums, event)
        for index, name in enumerate(batch.schema.names):
            if pa.types.is_timestamp(batch.schema.field(name).type):
                batch = batch.set_column(index, name, batch.column(name).cast(pa.int64()))
        for row, one, refused in zip(rows, batch.to_pylist(), verdicts.refused.tolist(), strict=True):
            objects[row] = None if refused else {name: value for name, value in one.items() if value is not None}
    return objects


def _object(body: bytes | None) -> Fields | None:
    if not body or not body.startswith(b"{"):
        return None
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return found if isinstance(found, dict) else None


def _by_writer(bodies: list[bytes | None]) -> list[tuple[Event, list[int], list[bytes]]]:
    """Rows and bare datums of the bodies that each released version wrote."""
    found = []
    for event, header in _HEADERS.items():
        rows = [row for row, body in enumerate(bodies) if body and body.startswith(header)]
        if rows:
            found.append((event, rows, [(bodies[row] or b"")[HEADER_BYTES:] for row in rows]))
    return found


def _has(one: Fields | None, where: Sequence[tuple[str, Value]]) -> bool:
    return one is not None and all(_same(one.get(name), value) for name, value in where)


def _same(left: object, right: object) -> bool:
    """Equal as JSON has it, where true is not 1."""
    return type(left) is type(right) and left == right


def _patched(one: Fields, body: bytes | None, rule: Rule, changed: Changed) -> bytes | None:
    """The body with the rule's changes; as it was where nothing changes or JSON cannot say it."""
    before, one = one, dict(one)
    for change in rule.changes:
        after = _OPERATIONS[change.operation](one.get(change.field), change)
        if after is None:
            one.pop(change.field, None)
        else:
            one[change.field] = after
    fields = dict.fromkeys(change.field for change in rule.changes)
    differing = [name for name in fields if not _same(before.get(name), one.get(name))]
    if not differing:
        return body
    try:
        patched = orjson.dumps(one)
    except orjson.JSONEncodeError:
        return body
    for name in differing:
        changed[rule.name, name, shape(before.get(name)), shape(one.get(name))] += 1
    return patched


def _on_text(operation: Callable[[str, Any], str], value: object, change: Change) -> object:
    return operation(value, change.argument) if isinstance(value, str) else value


def _divided(value: object, change: Change) -> object:
    assert isinstance(change.argument, int)
    return value // change.argument if type(value) is int else value


def _shifted(value: object, change: Change) -> object:
    moment = microseconds(value) if isinstance(value, str) else value
    assert isinstance(change.argument, int)
    if type(moment) is not int:
        return value
    after = moment + change.argument * 1_000_000
    return after if after in _INT64 else value


_OPERATIONS: dict[str, Callable[[object, Change], object]] = {
    "clear": lambda _value, _change: None,
    "set": lambda _value, change: change.argument,
    "trim": partial(_on_text, lambda text, _: text.strip()),
    "upper": partial(_on_text, lambda text, _: text.upper()),
    "lower": partial(_on_text, lambda text, _: text.lower()),
    "cut": partial(_on_text, lambda text, length: text[:length]),
    "divide": _divided,
    "shift_seconds": _shifted,
}
