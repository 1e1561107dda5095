"""What goes to the playback topic: messages as Arrow batches, before a producer adds its manifest."""

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from playback.wire import encode

MESSAGES: pa.Schema = pa.schema(
    [
        pa.field("key", pa.binary()),
        pa.field("payload", pa.binary()),
        pa.field("install_id", pa.string()),
        pa.field("sequence", pa.int64()),
        pa.field("high_water", pa.int64()),
        pa.field("replay_of", pa.string()),
    ]
)
"""One message a row: key and value of the Kafka record, and its headers (`schemas.events.HEADER_*`), null: no header.

A mark has `install_id` and `high_water`, and neither `payload` nor `sequence`.
"""


def event_messages(events: pa.RecordBatch) -> pa.RecordBatch:
    """A message for each event of the current version; raises ContractError when the rows do not fit it."""
    payloads = encode(events)
    return _messages(
        len(payloads),
        key=events.column("user_id"),
        payload=payloads,
        install_id=events.column("install_id"),
        sequence=events.column("sequence"),
    )


def reject_messages(payloads: Sequence[bytes | None], key: bytes) -> pa.RecordBatch:
    """Messages of what is no event, under one key, as they are."""
    return _messages(
        len(payloads),
        key=pa.repeat(pa.scalar(key, pa.binary()), len(payloads)),
        payload=pa.array(payloads, pa.binary()),
    )


def replay_messages(letters: pa.RecordBatch, payloads: pa.BinaryArray) -> pa.RecordBatch:
    """A message that brings each dead letter (`playback.repair.LETTERS`) back, with these payloads."""
    place = [letters.column(name).cast(pa.string()) for name in ("topic_id", "partition", "offset")]
    known = {name: letters.column(name) for name in ("key", "install_id", "sequence")}
    replay_of = pc.binary_join_element_wise(*place, "/")
    return _messages(letters.num_rows, payload=payloads, replay_of=replay_of, **known)


def _messages(count: int, **known: pa.Array) -> pa.RecordBatch:
    columns = [
        known[field.name].cast(field.type) if field.name in known else pa.nulls(count, field.type) for field in MESSAGES
    ]
    return pa.RecordBatch.from_arrays(columns, schema=MESSAGES)
