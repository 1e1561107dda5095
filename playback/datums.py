"""Avro datums of a whole batch to Arrow and back, exact to the last byte.

`pyruhvro` is the codec. It is fast and safe on hostile bytes, but lenient in four ways, each closed here: it ignores
trailing bytes (the length of every datum is recomputed from what was decoded), cuts a 32-bit `int` out of a longer
number (ints are read as longs and narrowed by the caller), lets invalid UTF-8 through (each text is validated) and
fails a whole batch for one bad datum (the batch is halved until the bad ones are alone).
"""

import json
from dataclasses import replace
from functools import cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyruhvro
from fastavro.schema import fingerprint, to_parsing_canonical_form

from playback.reasons import Reason
from playback.verdicts import Verdicts
from schemas.model import Event
from schemas.render.avro import avro_schema

Integers = npt.NDArray[np.int64]

_VARINT_STEPS = np.array([1 << (7 * digits) for digits in range(1, 10)], np.uint64)


@cache
def avro_fingerprint(event: Event) -> bytes:
    """CRC-64-AVRO of the event's canonical Avro schema: the eight bytes that go on the wire, little-endian."""
    return bytes.fromhex(fingerprint(to_parsing_canonical_form(avro_schema(event)), "CRC-64-AVRO"))


@cache
def writing_schema(event: Event) -> str:
    """Avro schema of the event as JSON text."""
    return json.dumps(avro_schema(event))


@cache
def reading_schema(event: Event) -> str:
    """The same with every int as a long: the bytes are the same, and a number that does not fit can be seen."""
    widened = (replace(field, type="long" if field.type == "int" else field.type) for field in event.fields)
    return writing_schema(replace(event, fields=tuple(widened)))


def read_datums(datums: list[bytes], event: Event) -> tuple[pa.RecordBatch, Verdicts]:
    """Decode bare datums of one version: a row for each (undefined where refused), ints as int64, and the verdicts."""
    verdicts = Verdicts(len(datums))
    pieces: list[pa.RecordBatch] = []
    kept: list[Integers] = []
    stack = [(0, len(datums))]
    while stack:
        start, end = stack.pop()
        try:
            pieces.append(pyruhvro.deserialize_array(datums[start:end], reading_schema(event)))
            kept.append(np.arange(start, end))
        except ValueError as error:
            if end - start == 1:
                ended = "unexpected end" in str(error)
                verdicts.refuse(np.array([start]), Reason.TRUNCATED_AVRO if ended else Reason.MALFORMED_AVRO)
            else:
                middle = (start + end) // 2
                stack += [(middle, end), (start, middle)]
    if not pieces:
        return _empty(event).take(pa.nulls(len(datums), pa.int64())), verdicts
    batch = pa.concat_batches(pieces)
    if batch.num_rows < len(datums):
        where = np.zeros(len(datums), np.int64)
        where[np.concatenate(kept)] = np.arange(batch.num_rows)
        batch = batch.take(pa.array(where, mask=verdicts.refused))
    lengths = np.fromiter(map(len, datums), np.int64, len(datums))
    verdicts.refuse(datum_lengths(batch, event) != lengths, Reason.TRAILING_BYTES)
    _refuse_invalid_utf8(batch, verdicts)
    return batch, verdicts


def write_datums(events: pa.RecordBatch, event: Event) -> pa.BinaryArray:
    """Encode rows as bare datums. The rows must fit the event's Arrow schema: the codec turns a wrong null into 0."""
    if not events.num_rows:
        return pa.array([], pa.binary())
    return pa.concat_arrays(pyruhvro.serialize_record_batch(events, writing_schema(event), 1))


def datum_lengths(batch: pa.RecordBatch, event: Event) -> Integers:
    """Bytes that each row takes as an Avro datum in its shortest form."""
    total = np.zeros(batch.num_rows, np.int64)
    for field, column in zip(event.fields, batch.columns, strict=True):
        size = _value_lengths(column)
        if column.null_count:
            size *= _integers(column.is_valid())
        total += size + int(field.nullable)
    return total


def _value_lengths(column: pa.Array) -> Integers:
    if pa.types.is_boolean(column.type):
        return np.ones(len(column), np.int64)
    if pa.types.is_string(column.type) or pa.types.is_binary(column.type):
        size = _integers(pc.binary_length(column).fill_null(0))
        return _varint_lengths(size) + size
    return _varint_lengths(_integers(column.cast(pa.int64()).fill_null(0)))


def _varint_lengths(values: Integers) -> Integers:
    zigzag = ((values << 1) ^ (values >> 63)).view(np.uint64)
    return np.searchsorted(_VARINT_STEPS, zigzag, side="right").astype(np.int64) + 1


def _refuse_invalid_utf8(batch: pa.RecordBatch, verdicts: Verdicts) -> None:
    try:
        batch.validate(full=True)
    except pa.ArrowInvalid:
        for name, column in zip(batch.schema.names, batch.columns, strict=True):
            if pa.types.is_string(column.type):
                bad = [not _is_utf8(value) for value in column.cast(pa.binary()).to_pylist()]
                verdicts.refuse(np.array(bad, np.bool_), Reason.INVALID_UTF8, name)


def _is_utf8(value: bytes | None) -> bool:
    try:
        return value is None or value.decode() is not None
    except UnicodeDecodeError:
        return False


def _integers(column: pa.Array) -> Integers:
    numbers: Integers = column.to_numpy(zero_copy_only=False).astype(np.int64, copy=False)
    return numbers


def _empty(event: Event) -> pa.RecordBatch:
    return pyruhvro.deserialize_array([], reading_schema(event))
