"""Dead letters under rules: which letters a rule is for, and whether those that are chosen are events then."""

from datetime import timedelta
from typing import Any

import orjson
import pyarrow as pa
import pytest

from playback.fix_rules import Change
from playback.reasons import Reason
from playback.repair import UNMATCHED, decide, repair
from playback.replay import Outcome
from schemas.errors import InputError
from tests.playback.letters import APPENDED, NOW, MakeEvent, MakePayload, as_json, letters, read, rule


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
