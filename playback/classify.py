"""The one place where a Kafka record becomes either a good row of silver or a dead letter.

The batch jobs run it through `mapInArrow` over the ledger, so that plays, duplicates and dead letters cannot disagree.
"""

from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from playback.arrow import arrow_schema
from playback.framing import WriterSchemas
from playback.identity import resolve_track_id
from playback.rules import apply_rules
from playback.validate import refuse_invalid
from playback.wire import decode
from schemas.bronze import CLIENT_ID, RECORD_FIELDS
from schemas.events import CURRENT
from schemas.model import Field
from schemas.silver import PLAYS

_RECORD_NAMES = frozenset(field.name for field in (*RECORD_FIELDS, CLIENT_ID))
"""What is known of every record, event or not."""

CLASSIFIED_FIELDS: tuple[Field, ...] = (
    *(field if field.name in _RECORD_NAMES else replace(field, nullable=True) for field in PLAYS.fields),
    Field("appended_date", "date", "UTC date of appended_at."),
    Field("reason", "string", "Why the record is no event, a word of `playback.reasons`; null: it is one.", True),
    Field("detail", "string", "The reason in one sentence, without any content of the record.", True),
    Field("payload", "binary", "Kafka value of a record that is no event, byte for byte.", True, personal=True),
)
"""The fields of `silver.plays`, null where the record is no event, and what `bronze.dead_letters` needs beside them."""

CLASSIFIED_SCHEMA: pa.Schema = arrow_schema(CLASSIFIED_FIELDS)

UNKNOWN_COUNTRY = "ZZ"


def classify(records: pa.RecordBatch, schemas: WriterSchemas | None = None) -> pa.RecordBatch:
    """Give each record its verdict, in the same order: CLASSIFIED_SCHEMA.

    `records` has the columns of `bronze.playback_events` that are read here, and `client_id`. `reason` is null exactly
    where the record is a valid event. A track or episode of which neither an id nor a title is known becomes content
    of type unknown. Headers that disagree with the body are ignored. `schemas` as `playback.wire.decode` takes it.
    """
    payloads = records.column("payload").cast(pa.binary())
    record_columns = {
        name: records.column(name).cast(CLASSIFIED_SCHEMA.field(name).type) for name in (*_RECORD_NAMES, "manifest_id")
    }
    decoded = decode(payloads, schemas)
    refuse_invalid(decoded.events, record_columns["appended_at"], decoded.verdicts)
    reason, detail = decoded.verdicts.arrays()
    columns = record_columns | _meaning(_only_accepted(decoded.events, reason))
    columns |= {
        "appended_date": record_columns["appended_at"].cast(pa.date32()),
        "reason": reason,
        "detail": detail,
        "payload": pc.if_else(reason.is_valid(), payloads, pa.scalar(None, pa.binary())),
    }
    return pa.RecordBatch.from_arrays([columns[name] for name in CLASSIFIED_SCHEMA.names], schema=CLASSIFIED_SCHEMA)


def _only_accepted(events: pa.RecordBatch, reason: pa.StringArray) -> pa.RecordBatch:
    """The events with null rows where refused: what is invalid is readable in the payload only."""
    if reason.null_count == len(reason):
        return events
    rows = pa.array(range(len(reason)), pa.int64())
    return events.take(pc.if_else(reason.is_null(), rows, pa.scalar(None, pa.int64())))


def _meaning(events: pa.RecordBatch) -> dict[str, pa.Array]:
    """Columns of silver that follow from accepted events; null where the event is."""
    columns: dict[str, pa.Array] = {field.name: events.column(field.name) for field in CURRENT.fields}
    is_event = columns["event_id"].is_valid()
    columns["event_date"] = columns["occurred_at"].cast(pa.date32())
    ruling = apply_rules(columns, columns["event_date"])
    columns |= {
        "rule_version": ruling.rule_version,
        "counts_as_play": ruling.counts_as_play,
        "is_skip": ruling.is_skip,
        "skip_inferred": ruling.skip_inferred,
    }
    columns["track_id"] = resolve_track_id(columns["track_id"], columns["artist_name"], columns["track_title"])
    # a playback of nothing known stays, but no table about music may count it
    nothing_known = pc.and_(is_event, columns["track_id"].is_null())
    columns["content_type"] = pc.if_else(nothing_known, "unknown", columns["content_type"])
    columns["country"] = pc.if_else(is_event, columns["country"].fill_null(UNKNOWN_COUNTRY), columns["country"])
    return columns
