"""Confluent's framing beside the other forms, written by `fastavro`: released versions, others, and what is bad."""

import struct
from collections.abc import Callable
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

import orjson
import pyarrow as pa
import pytest
from fastavro import parse_schema, schemaless_writer
from hypothesis import given
from hypothesis import strategies as st

from playback.classify import classify
from playback.repair import LETTERS
from playback.replay import Outcome
from playback.wire import DECODED_SCHEMA, decode, framed_ids
from schemas.errors import StoreUnavailableError
from schemas.events import CURRENT, PLAYBACK_V1
from schemas.render.avro import avro_schema

V1, V2, OTHER, NARROW, NOT_AVRO, TEXT = 1, 2, 3, 4, 5, 6
MakeEvent = Callable[..., dict[str, Any]]
MakePayload = Callable[..., bytes]
MakeRecords = Callable[[list[bytes | None]], pa.RecordBatch]

_MILLIS = {"type": "long", "logicalType": "timestamp-millis"}
_OTHER = {
    "type": "record",
    "name": "Heard",
    "namespace": "of.another.team",
    "fields": [
        {"name": "mood", "type": ["null", "string"]},
        *(
            field
            for field in reversed(avro_schema(CURRENT)["fields"])
            if field["name"] not in ("occurred_at", "album_title")
        ),
        {"name": "occurred_at", "type": _MILLIS},
    ],
}
_NARROW = {"type": "record", "name": "PlaybackEvent", "fields": [{"name": "event_id", "type": "string"}]}
AVRO = {V1: avro_schema(PLAYBACK_V1), V2: avro_schema(CURRENT), OTHER: _OTHER, NARROW: _NARROW, TEXT: "string"}
TEXTS = {number: orjson.dumps(schema).decode() for number, schema in AVRO.items()} | {NOT_AVRO: ""}


def framed(schema_id: int, row: dict[str, Any]) -> bytes:
    out = BytesIO()
    schemaless_writer(out, parse_schema(AVRO[schema_id]), row)
    return struct.pack(">bI", 0, schema_id) + out.getvalue()


def read(*payloads: bytes | None) -> list[tuple[Any, str | None]]:
    """Id of the event and reason of each."""
    decoded = decode(pa.array(payloads, pa.binary()), TEXTS.get)
    return list(zip(decoded.events["event_id"].to_pylist(), decoded.reason.to_pylist(), strict=True))


def test_old_and_new_versions_in_all_forms_stand_beside_one_another(event: MakeEvent, payload: MakePayload) -> None:
    rows = [event(event_id=f"e{number}", shuffle=True) for number in range(4)]
    json = orjson.dumps({name: value for name, value in rows[3].items() if value is not None})
    payloads = [framed(V2, rows[0]), framed(V1, rows[1]), payload(**rows[2]), json]
    decoded = decode(pa.array(payloads, pa.binary()), TEXTS.get)
    assert decoded.events.to_pylist() == [rows[0], rows[1] | {"shuffle": None}, rows[2], rows[3]]
    assert decoded.events.schema == DECODED_SCHEMA


def test_a_schema_with_other_words_around_the_same_fields_is_the_released_version(event: MakeEvent) -> None:
    described = AVRO[V1] | {"doc": "ours, as another registered it"}
    decoded = decode(pa.array([framed(V1, event())], pa.binary()), {V1: orjson.dumps(described).decode()}.get)
    assert decoded.reason.to_pylist() == [None]


def test_another_schema_is_resolved_by_the_names_of_its_fields(event: MakeEvent) -> None:
    """Another order and name, a field more, one less, and moments in milliseconds."""
    moment = datetime(2024, 5, 2, 10, 30, 0, 5_000, tzinfo=UTC)
    row = event(occurred_at=moment, album_title="lost", seek_count=3)
    (found,) = decode(pa.array([framed(OTHER, row | {"mood": "good"})], pa.binary()), TEXTS.get).events.to_pylist()
    assert found == row | {"album_title": None}


def test_what_another_schema_lacks_or_says_wrongly_makes_a_dead_letter(event: MakeEvent) -> None:
    good = framed(OTHER, event() | {"mood": None})
    assert read(framed(NARROW, {"event_id": "e"}), good[:-1], good + b"\x00", good[:5] + b"\x09" + good[6:], good) == [
        (None, "missing_field"),
        (None, "truncated_avro"),
        (None, "trailing_bytes"),
        (None, "malformed_avro"),
        ("e-1", None),
    ]


def test_an_id_that_names_nothing_or_no_record_makes_a_dead_letter(event: MakeEvent) -> None:
    good = framed(V2, event())
    payloads = [struct.pack(">bI", 0, number) + good[5:] for number in (V2, 99, NOT_AVRO, TEXT, 2**32 - 1)]
    assert read(*payloads, good[:4], b"\x00", None) == [
        ("e-1", None),
        (None, "unknown_schema_id"),
        (None, "unfit_schema"),
        (None, "unfit_schema"),
        (None, "unknown_schema_id"),
        (None, "truncated_avro"),
        (None, "truncated_avro"),
        (None, "missing_payload"),
    ]


def test_what_a_released_version_refuses_it_refuses_here(event: MakeEvent) -> None:
    good = framed(V2, event())
    assert read(good + b"\x00", good[:-1]) == [(None, "trailing_bytes"), (None, "truncated_avro")]


def test_without_a_registry_the_framing_is_no_format(event: MakeEvent) -> None:
    assert decode(pa.array([framed(V2, event())], pa.binary())).reason.to_pylist() == ["unknown_format"]


def test_a_registry_that_is_away_makes_no_dead_letter(event: MakeEvent, records: MakeRecords) -> None:
    def away(_: int) -> str | None:
        raise StoreUnavailableError("away")

    with pytest.raises(StoreUnavailableError):
        classify(records([framed(V2, event())]), away)
    json_only = classify(records([b"{}"]), away)
    assert json_only["reason"].to_pylist() == ["missing_field"]


def test_a_letter_that_came_before_its_schema_was_registered_can_come_back(event: MakeEvent) -> None:
    letter = dict.fromkeys(LETTERS.names) | {"payload": framed(V2, event()), "reason": "unknown_schema_id"}
    letters = pa.RecordBatch.from_pylist([letter | {"topic_id": "T", "partition": 0, "offset": 1}], LETTERS)
    for schemas, ids in ((TEXTS.get, ["e-1"]), ({}.get, [])):
        outcome = Outcome(schemas=schemas)
        assert outcome.add(letters, [], datetime.now(UTC))["event_id"].to_pylist() == ids
        assert outcome.refused.total() == 1 - len(ids)


def test_ids_are_found_without_a_look_at_the_rest(event: MakeEvent, payload: MakePayload) -> None:
    good = framed(V2, event())[5:]
    payloads = [None, b"", b"\x00", b"\x00\x00\x00\x00", payload(), b"\x00\x00\x00\x01\x00" + good, framed(V2, event())]
    assert framed_ids(pa.array(payloads, pa.binary())) == [V2, 256]
    assert framed_ids(pa.array([None], pa.binary())) == framed_ids(pa.array([], pa.binary())) == []


@given(st.binary(max_size=200), st.sampled_from([OTHER, NARROW, V1]))
def test_hostile_bytes_are_refused_and_nothing_raises(body: bytes, schema_id: int) -> None:
    decoded = decode(pa.array([struct.pack(">bI", 0, schema_id) + body], pa.binary()), TEXTS.get)
    assert decoded.events.num_rows == len(decoded.reason) == 1


@given(st.text(max_size=40), st.binary(max_size=40))
def test_a_hostile_schema_is_unfit_and_nothing_raises(schema: str, body: bytes) -> None:
    decoded = decode(pa.array([b"\x00\x00\x00\x00\x01" + body], pa.binary()), {1: schema}.get)
    assert decoded.reason.to_pylist() == ["unfit_schema"]


@pytest.mark.parametrize(
    "schema",
    [
        "[]",
        '{"type": "map", "values": "int"}',
        '{"type": "record", "name": "A", "fields": [{"name": "b", "type": "A"}]}',
        '{"type": "record", "name": "A", "fields": [{"name": "b", "type": "C"}]}',
        '{"type": "record", "name": "A", "fields": [{"name": "b", "type": {"type": "array", "items": "null"}}]}',
    ],
)
def test_a_schema_that_is_of_no_event_refuses_its_records(schema: str) -> None:
    decoded = decode(pa.array([b"\x00\x00\x00\x00\x01\xfe\xff\xff\xff\x0f"], pa.binary()), {1: schema}.get)
    assert decoded.reason.to_pylist() == ["unfit_schema"]


def test_numbers_beyond_the_declared_type_are_refused(event: MakeEvent) -> None:
    wide = {"type": "record", "name": "Wide", "fields": [
        {"name": one["name"], "type": ["null", "long"] if one["name"] == "seek_count" else one["type"]}
        for one in avro_schema(CURRENT)["fields"]
    ]}  # fmt: skip
    out = BytesIO()
    schemaless_writer(out, parse_schema(wide), event(seek_count=2**31))
    decoded = decode(
        pa.array([b"\x00\x00\x00\x00\x01" + out.getvalue()], pa.binary()), {1: orjson.dumps(wide).decode()}.get
    )
    assert decoded.reason.to_pylist() == ["number_out_of_range"]
