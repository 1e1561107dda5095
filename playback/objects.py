"""Events as JSON objects to Arrow, column by column.

A missing nullable field is null, an unknown field is ignored, a timestamp is RFC 3339 text or microseconds since 1970.
Nothing is coerced: `"5"`, `5.0` and `true` are no integers.
"""

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from playback.arrow import arrow_schema
from playback.reasons import Reason
from playback.verdicts import Verdicts
from schemas.model import Event, Field

_PYTHON_TYPES: dict[str, frozenset[type]] = {
    "string": frozenset({str}),
    "boolean": frozenset({bool}),
    "int": frozenset({int}),
    "long": frozenset({int}),
    "timestamp": frozenset({int, str}),
}
_INT64 = range(-(2**63), 2**63)
_MICROSECONDS = pa.timestamp("us", tz="UTC")
_BEYOND_MICROSECONDS = r"(\.\d{6})\d+"


def read_objects(payloads: list[bytes], event: Event) -> tuple[pa.RecordBatch, Verdicts]:
    """Decode JSON objects: a row of `event` for each (undefined where refused), ints as int64, and the verdicts."""
    verdicts = Verdicts(len(payloads))
    objects: list[dict[str, object]] = []
    for row, payload in enumerate(payloads):
        found = _parse(payload)
        if isinstance(found, Reason):
            verdicts.refuse(np.array([row]), found)
            found = {}
        objects.append(found)
    return read_rows(objects, event, verdicts), verdicts


def read_rows(objects: list[dict[str, object]], event: Event, verdicts: Verdicts) -> pa.RecordBatch:
    """A row of `event` for each object, whatever it was read from; what does not fit is refused in `verdicts`."""
    columns = [_column([one.get(field.name) for one in objects], field, verdicts) for field in event.fields]
    return pa.RecordBatch.from_arrays(columns, [field.name for field in event.fields])


def microseconds(text: str) -> int | None:
    """A timestamp's text as microseconds since 1970; None when it is not RFC 3339."""
    return _timestamp(pc.replace_substring_regex(pa.scalar(text), _BEYOND_MICROSECONDS, r"\1"))


def _parse(payload: bytes) -> dict[str, object] | Reason:
    try:
        found = orjson.loads(payload)
    except orjson.JSONDecodeError:
        try:
            payload.decode()
        except UnicodeDecodeError:
            return Reason.INVALID_UTF8
        return Reason.INVALID_JSON
    return found if isinstance(found, dict) else Reason.INVALID_JSON


def _column(values: list[object], field: Field, verdicts: Verdicts) -> pa.Array:
    """Values of one field as Arrow; rows whose value does not fit are refused and null."""
    expected = _PYTHON_TYPES[field.type]
    if not field.nullable:
        verdicts.refuse(np.array([value is None for value in values], np.bool_), Reason.MISSING_FIELD, field.name)
    if not set(map(type, values)) <= expected | {type(None)}:
        if int in expected:
            verdicts.refuse(np.array(list(map(_is_beyond, values)), np.bool_), Reason.NUMBER_OUT_OF_RANGE, field.name)
        wrong = np.array([value is not None and type(value) not in expected for value in values], np.bool_)
        verdicts.refuse(wrong, Reason.WRONG_TYPE, field.name)
        values = [None if bad else value for value, bad in zip(values, wrong, strict=True)]
    if field.type == "timestamp":
        return _timestamps(values, field, verdicts)
    if field.type in ("int", "long"):
        return _integers(values, field, verdicts)
    return pa.array(values, arrow_schema([field]).field(0).type)


def _is_beyond(value: object) -> bool:
    # of a whole number beyond 64 bits the parser makes a float
    return isinstance(value, float) and abs(value) >= _INT64.stop


def _integers(values: list[object], field: Field, verdicts: Verdicts) -> pa.Array:
    try:
        return pa.array(values, pa.int64())
    except OverflowError:
        beyond = np.array([value is not None and value not in _INT64 for value in values], np.bool_)
        verdicts.refuse(beyond, Reason.NUMBER_OUT_OF_RANGE, field.name)
        return pa.array([None if bad else value for value, bad in zip(values, beyond, strict=True)], pa.int64())


def _timestamps(values: list[object], field: Field, verdicts: Verdicts) -> pa.Array:
    numbers = _integers([value if isinstance(value, int) else None for value in values], field, verdicts)
    texts = pa.array([value if isinstance(value, str) else None for value in values], pa.string())
    if texts.null_count == len(texts):
        return numbers.cast(_MICROSECONDS)
    texts = pc.replace_substring_regex(texts, _BEYOND_MICROSECONDS, r"\1")
    try:
        parsed = texts.cast(_MICROSECONDS)
    except pa.ArrowInvalid:
        parsed = pa.array([_timestamp(text) for text in texts], _MICROSECONDS)
        unparsed = pc.and_(texts.is_valid(), parsed.is_null()).to_numpy(zero_copy_only=False)
        verdicts.refuse(unparsed, Reason.WRONG_TYPE, field.name)
    return pc.coalesce(parsed, numbers.cast(_MICROSECONDS))


def _timestamp(text: pa.StringScalar) -> int | None:
    try:
        microseconds: int | None = text.cast(_MICROSECONDS).value
    except pa.ArrowInvalid:
        return None
    return microseconds
