"""Dead letters under rules: bytes that cannot be read come out as they were, or as the rule reads them."""

from io import BytesIO

import orjson
import pyarrow as pa
import pytest
from fastavro import parse_schema, schemaless_writer
from hypothesis import given
from hypothesis import strategies as st

from playback.arrow import event_schema
from playback.datums import avro_fingerprint, reading_schema
from playback.fix_rules import Change
from playback.repair import decide, repair
from playback.wire import HEADER_BYTES, decode, encode
from schemas.events import CURRENT, RELEASED
from schemas.model import Event
from tests.playback.letters import NOW, MakeEvent, MakePayload, letters, read, repaired, rule

UNREADABLE: dict[str, bytes | None] = {
    "null": None,
    "empty": b"",
    "text": b"hello",
    "broken JSON": b'{"country": "de"',
    "a list": b'[{"country": "de"}]',
    "a short header": b"\xc3\x01\x04",
    "another fingerprint": b"\xc3\x01" + b"\x07" * 40,
    "deeper than can be written": b'{"country": "de", "x": ' + b"[" * 400 + b"]" * 400 + b"}",
}


@pytest.mark.parametrize("case", UNREADABLE)
def test_what_cannot_be_read_stays_and_is_still_no_event(case: str) -> None:
    body = UNREADABLE[case]
    assert repaired(body, Change("upper", "country")) == body
    assert decide(pa.array([body], pa.binary()), NOW).reason.null_count == 0


def test_an_int_past_31_bits_can_be_repaired_in_avro(event: MakeEvent) -> None:
    out = BytesIO()
    schemaless_writer(out, parse_schema(orjson.loads(reading_schema(CURRENT))), event(seek_count=2**31))
    body = b"\xc3\x01" + avro_fingerprint(CURRENT) + out.getvalue()
    assert decode(pa.array([body])).reason.to_pylist() == ["number_out_of_range"]
    assert read(repaired(body, Change("clear", "seek_count"))) == event()


def test_bytes_after_the_datum_are_left_off_and_the_rest_stays_as_it_was(payload: MakePayload) -> None:
    whole = payload()
    for more in (b"\x00", b"more", whole):
        assert repaired(whole + more, drop_trailing=True) == whole
    assert repaired(whole, drop_trailing=True) == whole


def test_a_datum_that_is_cut_off_has_nothing_to_leave_off(payload: MakePayload) -> None:
    cut = payload()[:40]
    assert repaired(cut, drop_trailing=True) == cut


@pytest.mark.parametrize("version", RELEASED, ids=lambda event: f"v{event.version}")
def test_a_body_under_an_unknown_fingerprint_is_read_as_a_released_version(version: Event, event: MakeEvent) -> None:
    batch = pa.RecordBatch.from_pylist([event()], schema=event_schema(CURRENT))
    whole = encode(batch, version)[0].as_py()
    unknown = b"\xc3\x01" + b"\x07" * 8 + whole[HEADER_BYTES:]
    assert repaired(unknown, schema_version=version.version) == whole
    assert repaired(unknown + b"!", schema_version=version.version, drop_trailing=True) == whole


def test_what_is_read_anew_can_be_changed_too(event: MakeEvent, payload: MakePayload) -> None:
    unknown = b"\xc3\x01" + b"\x07" * 8 + payload(country="de")[HEADER_BYTES:] + b"!"
    found = repaired(unknown, Change("upper", "country"), schema_version=CURRENT.version, drop_trailing=True)
    assert read(found) == event(country="DE")


CHANGES = st.sampled_from(
    [
        Change("clear", "country"),
        Change("set", "country", "DE"),
        Change("trim", "track_title"),
        Change("upper", "country"),
        Change("cut", "track_title", 3),
        Change("divide", "ms_played", 7),
        Change("shift_seconds", "occurred_at", 10**9),
    ]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=4,
)
BODIES = (
    st.none()
    | st.binary(max_size=40)
    | st.dictionaries(st.sampled_from([field.name for field in CURRENT.fields]), JSON, max_size=8).map(orjson.dumps)
)


@given(st.lists(BODIES, max_size=5), st.lists(CHANGES, max_size=4, unique=True), st.booleans(), st.none() | st.just(1))
def test_any_bytes_under_any_rule_give_one_payload_and_a_second_time_the_same_verdict(
    bodies: list[bytes | None], changes: list[Change], drop: bool, version: int | None
) -> None:
    batch = letters(*bodies)
    first = repair(batch, [rule(*changes, drop_trailing=drop, schema_version=version)])
    again = repair(batch, [rule(*changes, drop_trailing=drop, schema_version=version)])
    assert first.payload.equals(again.payload)
    assert len(first.payload) == len(bodies)
    assert [one is None for one in first.payload.to_pylist()] == [one is None for one in bodies]
    decide(first.payload, NOW).events.validate(full=True)
