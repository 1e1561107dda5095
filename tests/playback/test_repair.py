"""Dead letters under rules: what each operation makes of a field, and how a change is shown."""

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from playback.fix_rules import OPERATIONS, Change
from playback.repair import repair
from playback.shapes import shape
from tests.playback.letters import MakeEvent, MakePayload, as_json, letters, read, repaired, rule

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


def test_every_operation_has_a_case_here() -> None:
    assert {change.operation for _, change, _ in OPERATED.values()} == set(OPERATIONS)


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
