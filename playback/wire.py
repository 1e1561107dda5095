"""Events on the wire: batches of Kafka payloads to Arrow and back.

Written is Avro in single-object encoding: C3 01, the CRC-64-AVRO fingerprint of the writer's schema in little-endian
order, and the datum. Read is that, in any released version, or a JSON object; and, where it is said how to find the
schemas of a registry, Confluent's framing (`playback.framing`). A bad payload costs its own row only.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from playback.arrow import arrow_schema, as_nullable, event_schema
from playback.datums import avro_fingerprint, read_datums, write_datums
from playback.framing import FRAME_BYTES, MAGIC, WriterSchemas, read_resolved, released_version
from playback.objects import read_objects
from playback.reasons import Reason
from playback.verdicts import Verdicts
from schemas.errors import ContractError
from schemas.events import CURRENT, RELEASED
from schemas.model import Event

MARKER = b"\xc3\x01"
HEADER_BYTES = len(MARKER) + 8
MAX_PAYLOAD_BYTES = 131_072
"""Several times what an event with every text at its limit takes."""

DECODED_SCHEMA: pa.Schema = arrow_schema(as_nullable(CURRENT.fields))
"""The current event, each field nullable: a row that could not be read is null throughout."""


@dataclass(frozen=True)
class Decoded:
    """What a batch of payloads says.

    `events`: DECODED_SCHEMA, one row per payload; every column is null where a payload is refused.
    `verdicts`: the first reason against each refused payload.
    """

    events: pa.RecordBatch
    verdicts: Verdicts

    @property
    def reason(self) -> pa.StringArray:
        """Word of `playback.reasons` for each payload, null where it was read."""
        return self.verdicts.arrays()[0]

    @property
    def detail(self) -> pa.StringArray:
        """The reason as a sentence, null where the payload was read."""
        return self.verdicts.arrays()[1]


def encode(events: pa.RecordBatch, version: Event = CURRENT) -> pa.BinaryArray:
    """Payloads of events with the fields of a released version (by name), and no others.

    Raises ContractError when rows do not fit it.
    """
    schema = event_schema(version)
    missing = [name for name in schema.names if name not in events.schema.names]
    if missing:
        raise ContractError(f"The events lack the fields {', '.join(missing)}; add them, null where nothing is known.")
    try:
        fitting = events.select(schema.names).cast(schema)
        fitting.validate(full=True)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, ValueError) as error:
        raise ContractError(f"The events do not fit {version.name} version {version.version}: {error}.") from None
    for field, column in zip(version.fields, fitting.columns, strict=True):
        if column.null_count and not field.nullable:
            raise ContractError(f"Field {field.name} is null in {column.null_count} events; every event must have it.")
    header = pa.scalar(MARKER + avro_fingerprint(version), pa.binary())
    return pc.binary_join_element_wise(header, write_datums(fitting, version), pa.scalar(b"", pa.binary()))


@dataclass(frozen=True)
class _Writer:
    """Who wrote payloads: a released version, or another one by its Avro `schema`; neither: JSON.

    The first `header` bytes are no part of the datum.
    """

    event: Event | None = None
    schema: str = ""
    header: int = 0


_JSON = _Writer()


def decode(payloads: pa.Array, schemas: WriterSchemas | None = None) -> Decoded:
    """Read Kafka payloads (binary, null allowed): one row or one refusal for each.

    `schemas` says what the ids of a schema registry name; None: there is no registry, and its framing is no format.
    Raises what `schemas` raises.
    """
    payloads = payloads.cast(pa.binary())
    verdicts = Verdicts(len(payloads))
    pieces: list[pa.RecordBatch] = []
    order: list[npt.NDArray[np.intp]] = []
    for writer, rows in _sort(payloads, verdicts, schemas):
        if not len(rows):
            continue
        values = payloads.to_pylist() if len(rows) == len(payloads) else payloads.take(pa.array(rows)).to_pylist()
        piece, found = _read(values, writer)
        for wrong, reason, field in found.refusals():
            verdicts.refuse(rows[wrong], reason, field)
        pieces.append(piece)
        order.append(rows)
    return Decoded(_assemble(pieces, order, verdicts), verdicts)


def framed_ids(payloads: pa.Array) -> list[int]:
    """The distinct schema ids of the payloads in Confluent's framing."""
    heads, lengths = _heads(payloads.cast(pa.binary()))
    is_framed = (
        payloads.is_valid().to_numpy(zero_copy_only=False) & (lengths >= FRAME_BYTES) & (heads[:, 0] == MAGIC[0])
    )
    found: list[int] = np.unique(_schema_ids(heads)[is_framed]).tolist()
    return found


def _sort(
    payloads: pa.BinaryArray, verdicts: Verdicts, schemas: WriterSchemas | None
) -> Iterator[tuple[_Writer, npt.NDArray[np.intp]]]:
    """Rows by who wrote them; the others are refused by their first bytes."""
    heads, lengths = _heads(payloads)
    verdicts.refuse(payloads.is_null().to_numpy(zero_copy_only=False), Reason.MISSING_PAYLOAD)
    verdicts.refuse(lengths == 0, Reason.EMPTY_PAYLOAD)
    verdicts.refuse(lengths > MAX_PAYLOAD_BYTES, Reason.OVERSIZED_PAYLOAD)
    offered = ~verdicts.refused
    is_json = offered & (heads[:, 0] == ord("{"))
    is_avro = offered & (lengths >= len(MARKER)) & (heads[:, 0] == MARKER[0]) & (heads[:, 1] == MARKER[1])
    is_framed = offered & (heads[:, 0] == MAGIC[0]) & (schemas is not None)
    verdicts.refuse(offered & ~is_json & ~is_avro & ~is_framed, Reason.UNKNOWN_FORMAT)
    verdicts.refuse(is_framed & (lengths < FRAME_BYTES), Reason.TRUNCATED_AVRO)
    verdicts.refuse(is_avro & (lengths < HEADER_BYTES), Reason.TRUNCATED_AVRO)
    is_avro &= lengths >= HEADER_BYTES
    fingerprints = np.ascontiguousarray(heads[:, len(MARKER) :]).view("<u8")[:, 0]
    yield _JSON, np.flatnonzero(is_json)
    for event in RELEASED:
        wrote = is_avro & (fingerprints == int.from_bytes(avro_fingerprint(event), "little"))
        yield _Writer(event, header=HEADER_BYTES), np.flatnonzero(wrote)
        is_avro &= ~wrote
    verdicts.refuse(is_avro, Reason.UNKNOWN_FINGERPRINT)
    if schemas is not None:
        is_framed &= lengths >= FRAME_BYTES
        yield from _sort_framed(_schema_ids(heads), is_framed, verdicts, schemas)


def _sort_framed(
    ids: npt.NDArray[np.int64], is_framed: npt.NDArray[np.bool_], verdicts: Verdicts, schemas: WriterSchemas
) -> Iterator[tuple[_Writer, npt.NDArray[np.intp]]]:
    for schema_id in np.unique(ids[is_framed]).tolist():
        rows = np.flatnonzero(is_framed & (ids == schema_id))
        schema = schemas(schema_id)
        if schema is None:
            verdicts.refuse(rows, Reason.UNKNOWN_SCHEMA_ID)
        else:
            yield _Writer(released_version(schema), schema, FRAME_BYTES), rows


def _schema_ids(heads: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
    return np.ascontiguousarray(heads[:, len(MAGIC) : FRAME_BYTES]).view(">u4")[:, 0].astype(np.int64)


def _heads(payloads: pa.BinaryArray) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int32]]:
    """First ten bytes of each payload, one row each (of a shorter one they run into its neighbour), and its length."""
    _, offsets, data = payloads.buffers()
    if not len(payloads) or not data:
        return np.zeros((len(payloads), HEADER_BYTES), np.uint8), np.zeros(len(payloads), np.int32)
    bounds = np.frombuffer(offsets, np.int32)[payloads.offset : payloads.offset + len(payloads) + 1]
    held = np.append(np.frombuffer(data, np.uint8)[bounds[0] : bounds[-1]], np.zeros(HEADER_BYTES, np.uint8))
    return np.lib.stride_tricks.sliding_window_view(held, HEADER_BYTES)[bounds[:-1] - bounds[0]], np.diff(bounds)


def _read(values: list[bytes], writer: _Writer) -> tuple[pa.RecordBatch, Verdicts]:
    """Rows of the current event from payloads of one writer."""
    if writer.event:
        batch, verdicts = read_datums(values, writer.event, writer.header)
    elif writer.schema or writer.header:
        batch, verdicts = read_resolved([value[writer.header :] for value in values], writer.schema, CURRENT)
    else:
        batch, verdicts = read_objects(values, CURRENT)
    columns = []
    for field in DECODED_SCHEMA:
        if field.name not in batch.schema.names:
            columns.append(pa.nulls(batch.num_rows, field.type))
            continue
        column = batch.column(field.name)
        if pa.types.is_int32(field.type):
            column = _narrowed(column, field.name, verdicts)
        columns.append(column.cast(field.type))
    return pa.RecordBatch.from_arrays(columns, schema=DECODED_SCHEMA), verdicts


def _narrowed(column: pa.Int64Array, name: str, verdicts: Verdicts) -> pa.Int32Array:
    """The numbers as int32; rows beyond it are refused."""
    narrow = column.cast(pa.int32(), safe=False)
    differs = pc.not_equal(narrow.cast(pa.int64()), column).fill_null(False)
    if pc.any(differs).as_py():
        verdicts.refuse(differs.to_numpy(zero_copy_only=False), Reason.NUMBER_OUT_OF_RANGE, name)
    return narrow


def _assemble(pieces: list[pa.RecordBatch], order: list[npt.NDArray[np.intp]], verdicts: Verdicts) -> pa.RecordBatch:
    """The pieces as one batch in the order of the payloads, with null rows where refused."""
    refused = verdicts.refused
    if len(pieces) == 1 and not refused.any():
        return pieces[0]
    everything = pa.concat_batches(pieces) if pieces else pa.RecordBatch.from_pylist([], schema=DECODED_SCHEMA)
    position = np.zeros(len(refused), np.int64)
    if pieces:
        position[np.concatenate(order)] = np.arange(everything.num_rows)
    return everything.take(pa.array(position, mask=refused))
