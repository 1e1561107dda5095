"""Dead letters under rules: bytes in, bytes out, and whether they are events then."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any

import orjson
import pyarrow as pa
import pytest
from fastavro import parse_schema, schemaless_writer
from hypothesis import given
from hypothesis import strategies as st

from playback.arrow import event_schema
from playback.datums import avro_fingerprint, reading_schema
from playback.fix_rules import OPERATIONS, Change, Rule
from playback.reasons import Reason, sentence
from playback.repair import LETTERS, UNMATCHED, decide, repair
from playback.replay import Outcome
from playback.shapes import shape
from playback.wire import HEADER_BYTES, decode, encode
from schemas.errors import InputError
from schemas.events import CURRENT, RELEASED
from schemas.model import Event

MakeEvent = Callable[..., dict[str, Any]]
MakePayload = Callable[..., bytes]

NOW = datetime(2024, 5, 3, tzinfo=UTC)
APPENDED = datetime(2024, 5, 2, 12, tzinfo=UTC)


def letters(*payloads: bytes | None, reason: Reason = Reason.BAD_COUNTRY, field: str = "country") -> pa.RecordBatch:
    """Letters of one reason at offsets 0, 1, …, appended an hour apart."""
    rows = [
        {
            "topic_id": "T",
            "partition": 3,
            "offset": offset,
            "appended_at": APPENDED + timedelta(hours=offset),
            "reason": reason,
            "detail": sentence(reason, field),
            "payload": payload,
            "key": b"listener",
            "install_id": "install-1",
            "sequence": 7 + offset,
        }
        for offset, payload in enumerate(payloads)
    ]
    return pa.RecordBatch.from_pylist(rows, schema=LETTERS)


def rule(*changes: Change, reason: Reason = Reason.BAD_COUNTRY, **given: Any) -> Rule:
    return Rule(given.pop("name", "r"), reason, changes=changes, **given)


def read(payload: bytes | None) -> dict[str, Any]:
    """The one event that the payload is."""
    decoded = decode(pa.array([payload], pa.binary()))
    assert decoded.reason.to_pylist() == [None]
    event: dict[str, Any] = decoded.events.to_pylist()[0]
    return event


def repaired(payload: bytes | None, *changes: Change, **given: Any) -> bytes | None:
    """The payload of one letter under one rule that is for it."""
    found = repair(letters(payload), [rule(*changes, **given)])
    assert found.rule.tolist() == [0]
    result: bytes | None = found.payload.to_pylist()[0]
    return result


def as_json(event: dict[str, Any]) -> bytes:
    return orjson.dumps({name: value for name, value in event.items() if value is not None})


OPERATED: dict[str, tuple[dict[str, Any], Change, dict[str, Any]]] = {
    "clear": ({"country": "Germany"}, Change("clear", "country"), {"country": None}),
    "set": ({"content_type": "song"}, Change("set", "content_type", "track"), {"content_type": "track"}),
    "trim": ({"country": " DE\n"}, Change("trim", "country"), {"country": "DE"}),
    "upper": ({"country": "de"}, Change("upper", "country"), {"country": "DE"}),
    "lower": ({"content_type": "TRACK"}, Change("lower", "content_type"), {"content_type": "track"}),
    "cut": ({"context": "playlist"}, Change("cut", "context", 4), {"context": "play"}),
    "divide": ({"ms_played": 30_000_999}, Change("divide", "ms_played", 1000), {"ms_played": 30_000}),
    "divide downwards": ({"ms_played": -1}, Change("divide", "ms_played", 1000), {"ms_played": -1}),
    "shift": (
        {"occurred_at": datetime(2024, 5, 2, 10, 30, 0, 5, tzinfo=UTC)},
        Change("shift_seconds", "occurred_at", -3600),
        {"occurred_at": datetime(2024, 5, 2, 9, 30, 0, 5, tzinfo=UTC)},
    ),
}


@pytest.mark.parametrize("case", OPERATED)
def test_each_operation_changes_its_field_in_json_and_avro_alike(
    case: str, event: MakeEvent, payload: MakePayload
) -> None:
    before, change, after = OPERATED[case]
    for body in (payload(**before), as_json(event(**before))):
        assert read(repaired(body, change)) == event(**after)


def test_operations_are_done_one_after_the_other(event: MakeEvent) -> None:
    body = as_json(event(country=" deu "))
    changes = Change("trim", "country"), Change("upper", "country"), Change("cut", "country", 2)
    assert read(repaired(body, *changes))["country"] == "DE"


@pytest.mark.parametrize("text", ["2024-05-02T10:30:00.0000059Z", "2024-05-02T12:30:00.000005+02:00"])
def test_a_time_in_words_is_shifted_as_it_is_read(text: str, event: MakeEvent) -> None:
    shifted = repaired(as_json(event(occurred_at=text)), Change("shift_seconds", "occurred_at", 60))
    assert read(shifted)["occurred_at"] == datetime(2024, 5, 2, 10, 31, 0, 5, tzinfo=UTC)


UNFITTING: dict[str, tuple[dict[str, Any], Change]] = {
    "a number in capitals": ({"country": 5}, Change("upper", "country")),
    "nothing to trim": ({"country": None}, Change("trim", "country")),
    "a list cut": ({"country": ["DE"]}, Change("cut", "country", 2)),
    "true divided": ({"ms_played": True}, Change("divide", "ms_played", 2)),
    "a text divided": ({"ms_played": "9"}, Change("divide", "ms_played", 2)),
    "no time shifted": ({"occurred_at": "yesterday"}, Change("shift_seconds", "occurred_at", 1)),
    "shifted past 64 bits": ({"occurred_at": 2**63 - 1}, Change("shift_seconds", "occurred_at", 1)),
    "capitals already": ({"country": "DE1"}, Change("upper", "country")),
}


@pytest.mark.parametrize("case", UNFITTING)
def test_what_an_operation_does_not_fit_keeps_its_bytes(case: str, event: MakeEvent) -> None:
    changes, change = UNFITTING[case]
    body = b" ".join([as_json(event(**changes)), b""])
    found = repair(letters(body), [rule(change)])
    assert found.payload.to_pylist() == [body]
    assert not found.changed


def test_true_is_replaced_by_1_and_not_taken_for_it(event: MakeEvent) -> None:
    assert read(repaired(as_json(event(ms_played=True)), Change("set", "ms_played", 1)))["ms_played"] == 1


def test_fields_that_nobody_declared_stay(event: MakeEvent) -> None:
    body = repaired(as_json(event(country="de") | {"colour": "red"}), Change("upper", "country"))
    assert orjson.loads(body or b"")["colour"] == "red"


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


def matched(batch: pa.RecordBatch, **given: Any) -> list[bool]:
    return [one != UNMATCHED for one in repair(batch, [rule(Change("clear", "network"), **given)]).rule.tolist()]


def test_a_rule_is_for_its_reason_and_field_only(event: MakeEvent) -> None:
    batch = letters(as_json(event()), reason=Reason.TEXT_TOO_LONG, field="context")
    assert matched(batch, reason=Reason.TEXT_TOO_LONG) == [True]
    assert matched(batch, reason=Reason.TEXT_TOO_LONG, field="context") == [True]
    assert matched(batch, reason=Reason.TEXT_TOO_LONG, field="text") == [False]
    assert matched(batch, reason=Reason.BAD_COUNTRY) == [False]


def test_a_rule_is_for_letters_from_a_moment_on_and_before_another(event: MakeEvent) -> None:
    batch = letters(*[as_json(event())] * 4)
    span = {"appended_from": APPENDED + timedelta(hours=1), "appended_until": APPENDED + timedelta(hours=3)}
    assert matched(batch, **span) == [False, True, True, False]


def test_a_rule_is_for_letters_with_these_values(event: MakeEvent, payload: MakePayload) -> None:
    batch = letters(
        as_json(event(source="web", offline=True)),
        payload(source="web", offline=True),
        payload(source="web"),
        as_json(event(source="app", offline=True)),
        as_json(event(source="web", offline=1)),
        b"unreadable",
    )
    assert matched(batch, where=(("source", "web"), ("offline", True))) == [True, True, False, False, False, False]


def test_two_rules_for_one_letter_are_an_error_that_names_both(event: MakeEvent) -> None:
    first = rule(Change("upper", "country"), name="first", where=(("country", "de"),))
    second = rule(Change("clear", "country"), name="second", where=(("country", "de"),))
    with pytest.raises(InputError, match="'first' and 'second' are for the same dead letter"):
        repair(letters(as_json(event(country="de"))), [first, second])


def test_two_rules_for_different_letters_each_do_theirs(event: MakeEvent) -> None:
    rules = [rule(Change("upper", "country"), name=code, where=(("country", code),)) for code in ("fr", "de")]
    found = repair(letters(*(as_json(event(country=code)) for code in ("de", "fr", "xx"))), rules)
    assert found.rule.tolist() == [1, 0, UNMATCHED]
    assert [orjson.loads(one)["country"] for one in found.payload.to_pylist()] == ["DE", "FR", "xx"]


def test_no_letters_and_no_rules_are_no_trouble(event: MakeEvent) -> None:
    assert repair(letters(), [rule(Change("upper", "country"))]).payload.to_pylist() == []
    assert repair(letters(b"as it is"), []).payload.to_pylist() == [b"as it is"]


def test_what_changed_is_shown_by_shape_only(event: MakeEvent) -> None:
    bodies = (as_json(event(country=code)) for code in ("de", "fr", "Ü 7", None))
    found = repair(letters(*bodies), [rule(Change("upper", "country"))])
    assert found.changed == {("r", "country", '"aa"', '"AA"'): 2}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("Ünï 42_x\n\u200b", '"Aaa 99_a??"'),
        ("x" * 25, '"' + "a" * 24 + '…"'),
        (-1234, "-9999"),
        (1.5, "9.9"),
        (True, "true or false"),
        (None, "null"),
        ([1], "a list"),
        ({"a": 1}, "an object"),
    ],
)
def test_shapes(value: object, expected: str) -> None:
    assert shape(value) == expected


def test_a_wrong_clock_that_time_has_caught_up_with_is_an_event_as_it_is(event: MakeEvent) -> None:
    ahead = as_json(event(occurred_at="2024-05-04T10:00:00Z"))
    assert decide(pa.array([ahead]), APPENDED).reason.to_pylist() == ["clock_skew"]
    assert decide(pa.array([ahead]), NOW + timedelta(days=1)).reason.to_pylist() == [None]


def test_an_outcome_counts_by_reason_and_rule_and_keeps_what_would_be_events(event: MakeEvent) -> None:
    batch = letters(*(as_json(event(country=code, event_id=code)) for code in ("de", "xyz", "fr")), None)
    outcome = Outcome()
    rules = [rule(Change("upper", "country"), appended_until=APPENDED + timedelta(hours=3))]
    messages = outcome.add(batch, rules, NOW)
    again = outcome.add(batch.slice(0, 1), rules, NOW)
    key = ("bad_country", "r")
    assert (outcome.chosen, outcome.refused) == ({key: 4}, {key: 1})
    assert outcome.still_invalid == {("bad_country", "country"): 1}
    assert (outcome.unmatched, outcome.letters, outcome.rules) == (1, 5, {"r"})
    kept = [(one["number"], one["event_id"], one["replay_of"], one["sequence"]) for one in messages.to_pylist()]
    assert kept == [(0, "de", "T/3/0", 7), (2, "fr", "T/3/2", 9)]
    (first,) = again.to_pylist()
    assert (first["number"], first["key"], first["install_id"]) == (4, b"listener", "install-1")
    assert (first["reason"], first["rule"], first["high_water"]) == ("bad_country", "r", None)
    assert read(first["payload"])["country"] == "DE"


def test_without_rules_all_letters_are_chosen_as_they_are(payload: MakePayload) -> None:
    outcome = Outcome()
    messages = outcome.add(letters(payload(), payload(country="x")), [], NOW)
    assert outcome.chosen == {("bad_country", ""): 2}
    assert messages.column("payload").to_pylist() == [payload()]


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


def test_every_operation_has_a_case_here() -> None:
    assert {change.operation for _, change, _ in OPERATED.values()} == set(OPERATIONS)
