"""Avro datums of a whole batch to Arrow and back, exact to the last byte.

`pyruhvro` is the codec. It is fast and safe on hostile bytes, but lenient in four ways, each closed here: it ignores
trailing bytes and reads odd forms of numbers (`playback.datum_sizes`), cuts a 32-bit `int` out of a longer number (ints
are read as longs and narrowed by the caller), lets invalid UTF-8 through (each text is validated) and fails a whole
batch for one bad datum (the batch is halved until the bad ones are alone).
"""

import json
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyruhvro
from fastavro.schema import fingerprint, to_parsing_canonical_form

from playback.datum_sizes import datum_sizes
from playback.reasons import Reason
from playback.verdicts import Verdicts
from schemas.model import Event
from schemas.render.avro import avro_schema

Indices = npt.NDArray[np.intp]
Rows = npt.NDArray[np.bool_]
_HEADERS: dict[int, tuple[str, ...]] = {0: (), 5: ("long", "float"), 10: ("long", "double")}
"""Of a payload with so many bytes before its datum the plain fields that these bytes can be read as, whatever they
mean: a zero byte and four others, or two bytes that are one number, and eight others. To cut them off takes longer."""


@cache
def avro_fingerprint(event: Event) -> bytes:
    """CRC-64-AVRO of the event's canonical Avro schema: the eight bytes that go on the wire, little-endian."""
    return bytes.fromhex(fingerprint(to_parsing_canonical_form(avro_schema(event)), "CRC-64-AVRO"))


@cache
def writing_schema(event: Event) -> str:
    """Avro schema of the event as JSON text."""
    return json.dumps(avro_schema(event))


@cache
def reading_schema(event: Event, header: int = 0) -> str:
    """The same with every int as a long: the bytes are the same, and a number that does not fit can be seen.

    Before its fields stand those of `_HEADERS`.
    """
    widened = (replace(field, type="long" if field.type == "int" else field.type) for field in event.fields)
    schema: dict[str, Any] = avro_schema(replace(event, fields=tuple(widened)))
    before = [{"name": f"header_{place}", "type": kind} for place, kind in enumerate(_HEADERS[header])]
    return json.dumps(schema | {"fields": before + schema["fields"]})


def read_datums(payloads: list[bytes], event: Event, header: int = 0) -> tuple[pa.RecordBatch, Verdicts]:
    """Decode datums of one version: a row for each (null where refused), ints as int64, and the verdicts.

    Each payload begins with a header of so many bytes, of `_HEADERS`, which the caller has looked at.
    """
    verdicts = Verdicts(len(payloads))
    batch, rows = _readable(payloads, event, verdicts, header)
    _refuse_invalid_utf8(batch, rows, verdicts)
    if verdicts.refused[rows].any():
        kept = ~verdicts.refused[rows]
        batch, rows = batch.filter(pa.array(kept)), rows[kept]
    read = payloads if len(rows) == len(payloads) else [payloads[row] for row in rows]
    verdicts.refuse(rows[_is_odd(batch, read, event, header)], Reason.TRAILING_BYTES)
    if len(rows) < len(payloads):
        where = np.zeros(len(payloads), np.int64)
        where[rows] = np.arange(len(rows))
        batch = batch.take(pa.array(where, mask=verdicts.refused))
    return batch, verdicts


def _is_odd(batch: pa.RecordBatch, payloads: list[bytes], event: Event, header: int) -> Rows:
    """Which payloads are not, to the last byte, the header and what their rows are written as."""
    sizes, is_certain = datum_sizes(batch, event)
    is_odd: Rows = np.fromiter(map(len, payloads), np.int64, len(payloads)) != sizes + header
    unsure = np.flatnonzero(~is_certain & ~is_odd)
    if len(unsure):
        written = _written(batch.take(pa.array(unsure)), reading_schema(event))
        is_odd[unsure] = [payloads[row][header:] != one.as_py() for row, one in zip(unsure, written, strict=True)]
    return is_odd


def leading_datums(datums: list[bytes], event: Event) -> list[bytes | None]:
    """The datum that each begins with, without what follows it; None where there is none in its shortest form."""
    verdicts = Verdicts(len(datums))
    batch, rows = _readable(datums, event, verdicts)
    _refuse_invalid_utf8(batch, rows, verdicts)
    kept = ~verdicts.refused[rows]
    found: list[bytes | None] = [None] * len(datums)
    written = _written(batch.filter(pa.array(kept)), reading_schema(event)).to_pylist()
    for row, datum in zip(rows[kept].tolist(), written, strict=True):
        found[row] = datum if datums[row].startswith(datum) else None
    return found


def write_datums(events: pa.RecordBatch, event: Event) -> pa.BinaryArray:
    """Encode rows as bare datums. The rows must fit the event's Arrow schema: the codec turns a wrong null into 0."""
    return _written(events, writing_schema(event))


def _readable(datums: list[bytes], event: Event, verdicts: Verdicts, header: int = 0) -> tuple[pa.RecordBatch, Indices]:
    """Decode what the codec can read, halving a failed batch; the rows that were read, in order, and their indices."""
    schema = reading_schema(event, header)
    pieces: list[pa.RecordBatch] = []
    stack = [(0, len(datums))]
    while stack:
        start, end = stack.pop()
        try:
            pieces.append(pyruhvro.deserialize_array(datums[start:end], schema))
        except ValueError as error:
            if end - start == 1:
                ended = "unexpected end" in str(error)
                verdicts.refuse(np.array([start]), Reason.TRUNCATED_AVRO if ended else Reason.MALFORMED_AVRO)
            else:
                middle = (start + end) // 2
                stack += [(middle, end), (start, middle)]
    if len(pieces) == 1:
        (batch,) = pieces
    else:
        batch = pa.concat_batches(pieces or [pyruhvro.deserialize_array([], schema)])
    return batch.select(batch.schema.names[len(_HEADERS[header]) :]), np.flatnonzero(~verdicts.refused)


def _written(batch: pa.RecordBatch, schema: str) -> pa.BinaryArray:
    if not batch.num_rows:
        return pa.array([], pa.binary())
    return pa.concat_arrays(pyruhvro.serialize_record_batch(batch, schema, 1))


def _refuse_invalid_utf8(batch: pa.RecordBatch, rows: Indices, verdicts: Verdicts) -> None:
    try:
        batch.validate(full=True)
    except pa.ArrowInvalid:
        for name, column in zip(batch.schema.names, batch.columns, strict=True):
            if pa.types.is_string(column.type):
                bad = [not _is_utf8(value) for value in column.cast(pa.binary()).to_pylist()]
                verdicts.refuse(rows[np.array(bad, np.bool_)], Reason.INVALID_UTF8, name)


def _is_utf8(value: bytes | None) -> bool:
    try:
        return value is None or value.decode() is not None
    except UnicodeDecodeError:
        return False
