"""Arrow schemas of declared fields."""

import pyarrow as pa

from playback.arrow import arrow_schema, as_nullable
from schemas.catalog import table


def test_the_ledger_in_arrow() -> None:
    headers = pa.list_(pa.struct([("key", pa.string()), ("value", pa.binary())]))
    assert arrow_schema(table("bronze.playback_events").fields) == pa.schema(
        [
            pa.field("topic_id", pa.string(), nullable=False),
            pa.field("partition", pa.int32(), nullable=False),
            pa.field("offset", pa.int64(), nullable=False),
            pa.field("topic", pa.string(), nullable=False),
            pa.field("appended_at", pa.timestamp("us", "UTC"), nullable=False),
            pa.field("manifest_id", pa.string()),
            pa.field("install_id", pa.string()),
            pa.field("sequence", pa.int64()),
            pa.field("high_water", pa.int64()),
            pa.field("replay_of", pa.string()),
            pa.field("ingested_at", pa.timestamp("us", "UTC"), nullable=False),
            pa.field("key", pa.binary()),
            pa.field("headers", headers),
            pa.field("payload", pa.binary()),
        ]
    )


def test_dates_and_flags_in_arrow() -> None:
    by_name = arrow_schema(table("silver.plays").fields)
    assert by_name.field("event_date") == pa.field("event_date", pa.date32(), nullable=False)
    assert by_name.field("is_skip") == pa.field("is_skip", pa.bool_(), nullable=False)


def test_fields_made_nullable_keep_their_order_and_types() -> None:
    fields = table("silver.plays").fields
    nullable = arrow_schema(as_nullable(fields))
    assert nullable.types == arrow_schema(fields).types
    assert nullable.names == [field.name for field in fields]
    assert all(field.nullable for field in nullable)
