"""Events to bytes and back, with `fastavro` as the independent reading of the Avro specification."""

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import BytesIO

import orjson
import pyarrow as pa
import pytest
from fastavro import parse_schema, schemaless_reader, schemaless_writer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from playback.arrow import event_schema
from playback.datums import avro_fingerprint
from playback.wire import DECODED_SCHEMA, HEADER_BYTES, decode, encode
from schemas.errors import ContractError
from schemas.events import CURRENT, PLAYBACK_V1
from schemas.model import Event, Field
from schemas.render.avro import avro_schema

HEADER_V1 = bytes.fromhex("c30104c5061d5eb82363")
HEADER = b"\xc3\x01" + avro_fingerprint(CURRENT)
PARSED = parse_schema(avro_schema(CURRENT))
MakeEvent = Callable[..., dict[str, object]]
MakePayload = Callable[..., bytes]

_VALUES: dict[str, st.SearchStrategy[object]] = {
    "string": st.text(max_size=40),
    "boolean": st.booleans(),
    "int": st.integers(-(2**31), 2**31 - 1),
    "long": st.integers(-(2**63), 2**63 - 1),
    "timestamp": st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC)),
}


def value_of(field: Field) -> st.SearchStrategy[object]:
    return st.none() | _VALUES[field.type] if field.nullable else _VALUES[field.type]


events = st.fixed_dictionaries({field.name: value_of(field) for field in CURRENT.fields})


def batch_of(rows: list[dict[str, object]]) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist(rows, schema=event_schema(CURRENT))


def datum(event: dict[str, object], schema: object = PARSED) -> bytes:
    out = BytesIO()
    schemaless_writer(out, schema, event)
    return out.getvalue()


@given(st.lists(events, max_size=8))
def test_what_is_encoded_is_decoded(rows: list[dict[str, object]]) -> None:
    decoded = decode(encode(batch_of(rows)))
    assert decoded.events.to_pylist() == rows
    assert decoded.reason.to_pylist() == decoded.detail.to_pylist() == [None] * len(rows)


@given(st.lists(events, min_size=1, max_size=4))
def test_a_payload_is_the_header_of_its_version_and_the_datum_that_the_specification_asks_for(
    rows: list[dict[str, object]],
) -> None:
    assert encode(batch_of(rows)).to_pylist() == [HEADER + datum(row) for row in rows]
    version_1 = parse_schema(avro_schema(PLAYBACK_V1))
    assert encode(batch_of(rows), PLAYBACK_V1).to_pylist() == [HEADER_V1 + datum(row, version_1) for row in rows]


def test_the_fingerprint_is_the_crc_of_the_canonical_form_lowest_byte_first() -> None:
    text = json.dumps(avro_schema(CURRENT)["fields"])
    plain = json.loads(text.replace('{"type": "long", "logicalType": "timestamp-micros"}', '"long"'))
    fields = [{"name": one["name"], "type": one["type"]} for one in plain]
    canonical = {"name": "tonearm.PlaybackEvent", "type": "record", "fields": fields}
    written = json.dumps(canonical, separators=(",", ":")).encode()
    assert crc64(written).to_bytes(8, "little") == avro_fingerprint(CURRENT)
    assert avro_fingerprint(PLAYBACK_V1) == HEADER_V1[2:]


def crc64(data: bytes) -> int:
    """CRC-64-AVRO as the specification's appendix computes it."""
    empty = 0xC15D213AA4D7A795
    value = empty
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = (value >> 1) ^ (empty if value & 1 else 0)
    return value


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
@given(data=st.data())
def test_damaged_bytes_cost_their_own_row_and_nothing_is_accepted_that_would_not_be_written(
    payload: MakePayload, data: st.DataObject
) -> None:
    good = payload()
    damaged = bytearray(good)
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(HEADER_BYTES, len(damaged)))
        cut = data.draw(st.integers(0, 3))
        damaged[place : place + cut] = data.draw(st.binary(max_size=12))
    decoded = decode(pa.array([good, bytes(damaged), good]))
    assert decoded.events.slice(0, 1).equals(decoded.events.slice(2, 1))
    first, middle, last = decoded.reason.to_pylist()
    assert first is last is None
    if middle is None:
        assert encode(decoded.events.slice(1, 1).cast(event_schema(CURRENT))).to_pylist() == [bytes(damaged)]
        with suppress(OverflowError):  # of a moment that Python's datetime does not reach
            assert schemaless_reader(BytesIO(damaged[HEADER_BYTES:]), PARSED)
    else:
        assert set(decoded.events.slice(1, 1).to_pylist()[0].values()) == {None}


@given(st.lists(st.none() | st.binary(max_size=60) | st.binary(max_size=60).map(HEADER_V1.__add__), max_size=6))
def test_any_bytes_get_one_row_and_one_verdict(payloads: list[bytes | None]) -> None:
    decoded = decode(pa.array(payloads, pa.binary()))
    decoded.events.validate(full=True)
    assert decoded.events.num_rows == len(decoded.reason) == len(decoded.detail) == len(payloads)
    assert decoded.reason.is_null().equals(decoded.events.column("event_id").is_valid())
    assert decoded.reason.is_null().equals(decoded.detail.is_null())


def test_a_slice_of_a_larger_batch_is_decoded_by_itself(payload: MakePayload) -> None:
    payloads = pa.array([None, payload(event_id="a"), b"x", payload(event_id="b"), b""])
    decoded = decode(payloads.slice(1, 3))
    assert decoded.events.column("event_id").to_pylist() == ["a", None, "b"]
    assert decoded.reason.to_pylist() == [None, "unknown_format", None]


@pytest.mark.parametrize("type_", [pa.large_binary(), pa.binary_view()])
def test_every_arrow_form_of_bytes_is_decoded(payload: MakePayload, type_: pa.DataType) -> None:
    decoded = decode(pa.array([payload(), None], type_))
    assert decoded.reason.to_pylist() == [None, "missing_payload"]


def test_an_empty_batch_gives_an_empty_one() -> None:
    decoded = decode(pa.array([], pa.binary()))
    assert decoded.events.equals(pa.RecordBatch.from_pylist([], schema=DECODED_SCHEMA))


JSON_TIMES = {
    "2024-05-02T10:30:00Z": datetime(2024, 5, 2, 10, 30, tzinfo=UTC),
    "2024-05-02T12:30:00.25+02:00": datetime(2024, 5, 2, 10, 30, 0, 250_000, tzinfo=UTC),
    "2024-05-02T10:30:00.123456789Z": datetime(2024, 5, 2, 10, 30, 0, 123_456, tzinfo=UTC),
    1_714_645_800_000_001: datetime(2024, 5, 2, 10, 30, 0, 1, tzinfo=UTC),
}


def test_json_times_are_rfc_3339_or_microseconds(event: MakeEvent) -> None:
    payloads = [orjson.dumps(event(occurred_at=time)) + b"\n" for time in JSON_TIMES]
    decoded = decode(pa.array(payloads))
    assert decoded.events.column("occurred_at").to_pylist() == list(JSON_TIMES.values())


def test_json_may_leave_out_nullable_fields_and_bring_unknown_ones(event: MakeEvent) -> None:
    sparse = {name: value for name, value in event().items() if value is not None}
    decoded = decode(pa.array([orjson.dumps({**sparse, "colour": "red"}), orjson.dumps(event())]))
    assert decoded.events.to_pylist() == [event(), event()]


@given(st.lists(events, max_size=4))
def test_json_and_avro_say_the_same(rows: list[dict[str, object]]) -> None:
    micros = [
        row | {"occurred_at": (row["occurred_at"] - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)}  # type: ignore[operator]
        for row in rows
    ]
    objects = pa.array([json.dumps(row, ensure_ascii=True).encode() for row in micros], pa.binary())
    assert decode(objects).events.equals(decode(encode(batch_of(rows))).events)


def test_an_older_version_is_read_with_its_own_schema(event: MakeEvent, monkeypatch: pytest.MonkeyPatch) -> None:
    """Version 0 lacks the last field, and has an int `ms_played` and a field that was removed since."""
    fields = [replace(field, type="int") if field.name == "ms_played" else field for field in CURRENT.fields[:-1]]
    old = Event(CURRENT.name, 0, "Older.", (Field("mood", "string", "Mood."), *fields))
    monkeypatch.setattr("playback.wire.RELEASED", (old, CURRENT))
    written = b"\xc3\x01" + avro_fingerprint(old) + datum(event(mood="blue"), parse_schema(avro_schema(old)))
    decoded = decode(pa.array([encode(batch_of([event(private_session=True)]))[0].as_py(), written]))
    assert decoded.events.to_pylist() == [event(private_session=True), event()]


def test_both_versions_and_json_side_by_side_are_read_in_one_batch(event: MakeEvent) -> None:
    said = event(shuffle=True, private_session=False)
    version_1, version_2 = (encode(batch_of([said]), version)[0].as_py() for version in (PLAYBACK_V1, CURRENT))
    older = {name: value for name, value in said.items() if name not in ("shuffle", "private_session")}
    written = [version_1, orjson.dumps(said), version_2, b"{}", version_1, orjson.dumps(older), version_2[:-1]]

    decoded = decode(pa.array(written, pa.binary()))

    unsaid = event()
    assert decoded.events.to_pylist() == [unsaid, said, said, dict.fromkeys(said), unsaid, unsaid, dict.fromkeys(said)]
    assert decoded.reason.to_pylist() == [None, None, None, "missing_field", None, None, "truncated_avro"]


def test_encode_finds_columns_by_name(event: MakeEvent) -> None:
    batch = batch_of([event()])
    turned = batch.select(batch.schema.names[::-1])
    assert encode(turned).equals(encode(batch))


def test_encode_refuses_events_that_lack_a_field(event: MakeEvent) -> None:
    with pytest.raises(ContractError, match=r"^The events lack the fields event_id, source; add them"):
        encode(batch_of([event()]).drop_columns(["event_id", "source"]))


def test_encode_refuses_a_null_where_the_event_needs_a_value(event: MakeEvent) -> None:
    batch = pa.RecordBatch.from_pylist([event(), event(ms_played=None)], schema=DECODED_SCHEMA)
    with pytest.raises(ContractError, match=r"ms_played"):
        encode(batch)


def test_encode_refuses_text_that_is_not_utf8(event: MakeEvent) -> None:
    batch = batch_of([event()])
    broken = pa.Array.from_buffers(pa.string(), 1, pa.array([b"\xff"]).buffers())
    with pytest.raises(ContractError, match="do not fit PlaybackEvent version 2"):
        encode(batch.set_column(0, batch.schema.field(0), broken))
