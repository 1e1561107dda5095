"""The truth table of what counts, row by row."""

from datetime import date
from typing import Any

import pyarrow as pa
import pytest

from playback.arrow import event_schema
from playback.rules import FACTS, PROPOSED, RULES, PlayRule, apply_rules, rule_named
from schemas.errors import ContractError, InputError
from schemas.events import CURRENT

DAY = date(2024, 5, 2)
EVENT = event_schema(CURRENT)
TABLE = [
    # outcome, ms_played, counts_as_play, is_skip, skip_inferred
    ("play", 30_000, True, False, False),
    ("play", 29_999, False, False, False),
    ("play", 0, False, False, False),
    ("skip", 30_000, True, True, False),
    ("skip", 29_999, False, True, False),
    ("skip", 0, False, True, False),
    (None, 30_000, True, False, False),
    (None, 29_999, False, True, True),
    (None, 0, False, True, True),
    (None, 86_400_000, True, False, False),
]


def judged(
    outcomes: list[str | None],
    heard: list[int | None],
    days: list[date | None],
    rules: tuple[PlayRule, ...] = RULES,
) -> list[tuple[object, ...]]:
    rows = [{"outcome": outcome, "ms_played": ms} for outcome, ms in zip(outcomes, heard, strict=True)]
    return ruled(rows, days, rules)


def ruled(
    rows: list[dict[str, object]], days: list[date | None], rules: tuple[PlayRule, ...]
) -> list[tuple[object, ...]]:
    facts = {name: pa.array([row.get(name) for row in rows], EVENT.field(name).type) for name in FACTS}
    ruling = apply_rules(facts, pa.array(days, pa.date32()), rules)
    columns = (ruling.rule_version, ruling.counts_as_play, ruling.is_skip, ruling.skip_inferred)
    return list(zip(*(column.to_pylist() for column in columns), strict=True))


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row[0]} of {row[1]} ms")
def test_what_the_client_reported_and_heard_decides(row: tuple[str | None, int, bool, bool, bool]) -> None:
    outcome, ms_played, *expected = row
    assert judged([outcome], [ms_played], [DAY]) == [("v1", *expected)]


def test_the_rows_of_a_batch_are_judged_each_by_itself() -> None:
    outcomes, heard = [row[0] for row in TABLE], [row[1] for row in TABLE]
    assert judged(outcomes, heard, [DAY] * len(TABLE)) == [("v1", *row[2:]) for row in TABLE]


def test_the_version_in_force_on_the_date_of_the_event_applies() -> None:
    rules = (PlayRule("v1", date(1970, 1, 1), 30_000), PlayRule("v2", date(2024, 5, 2), 10_000))
    days = [date(2024, 5, 1), date(2024, 5, 2), date(2030, 1, 1), date(1960, 1, 1)]
    assert judged(["play"] * 4, [20_000] * 4, days, rules) == [
        ("v1", False, False, False),
        ("v2", True, False, False),
        ("v2", True, False, False),
        ("v1", False, False, False),
    ]


def test_a_row_that_is_no_event_gets_nulls() -> None:
    assert judged([None, "play"], [None, 30_000], [None, DAY]) == [(None,) * 4, ("v1", True, False, False)]


def test_versions_are_in_order_of_their_dates_and_cover_every_event() -> None:
    dates = [rule.valid_from for rule in RULES]
    assert dates == sorted(set(dates))
    assert dates[0] <= date(2006, 1, 1)


def under(rule: PlayRule, **row: object) -> tuple[object, ...]:
    ((_, *found),) = ruled([row], [DAY], (rule,))
    return tuple(found)


@pytest.mark.parametrize(
    ("ms_played", "track_ms", "counts"),
    [(10_000, 20_000, True), (9_999, 20_000, False), (9_999, None, False), (9_999, 0, False), (30_000, 600_000, True)],
)
def test_a_share_of_a_track_whose_length_is_known_is_enough_where_the_version_says_so(
    ms_played: int, track_ms: int | None, counts: bool
) -> None:
    rule = PlayRule("x", date(1970, 1, 1), 30_000, minimum_percent=50)
    assert under(rule, outcome="play", ms_played=ms_played, track_ms=track_ms) == (counts, False, False)


@pytest.mark.parametrize(
    ("fact", "limit"),
    [("seek_count", {"most_seeks": 3}), ("paused_ms", {"most_paused_ms": 3})],
    ids=str,
)
def test_above_a_limit_a_playback_is_heard_and_counts_not(fact: str, limit: dict[str, int]) -> None:
    rule = PlayRule("x", date(1970, 1, 1), 30_000, **limit)
    assert [under(rule, ms_played=30_000, **{fact: value}) for value in (3, 4, None)] == [
        (True, False, False),
        (False, False, False),
        (True, False, False),
    ]


def test_a_reason_is_a_skip_only_where_the_client_reports_no_outcome_and_the_version_names_it() -> None:
    rule = PlayRule("x", date(1970, 1, 1), 30_000, skip_reasons=("fwdbtn",))
    assert under(rule, ms_played=60_000, reason_end="fwdbtn") == (True, True, True)
    assert under(rule, ms_played=60_000, reason_end="trackdone") == (True, False, False)
    assert under(rule, ms_played=60_000, reason_end="fwdbtn", outcome="play") == (True, False, False)
    assert under(RULES[0], ms_played=60_000, reason_end="fwdbtn") == (True, False, False)


def test_a_version_that_nobody_wrote_down_is_one_sentence() -> None:
    assert rule_named("v1") == RULES[0]
    with pytest.raises(
        InputError, match=r"^There is no version 'v9' of the play rules: v1, v2 are in playback/rules.py"
    ):
        rule_named("v9")


def test_what_is_proposed_is_not_in_force_and_has_a_name_of_its_own() -> None:
    names = [rule.version for rule in (*RULES, *PROPOSED)]
    assert len(names) == len(set(names))


def test_two_versions_of_one_name_or_without_a_date_are_not_found_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    for version, valid_from in (("v1", date(2030, 1, 1)), ("v3", None)):
        monkeypatch.setattr("playback.rules.PROPOSED", (PlayRule(version, valid_from, 10_000),))  # type: ignore[arg-type]
        with pytest.raises(ContractError, match=f"ersion '{version}' of the play rules"):
            rule_named("v1")


EARLY, LATE = date(1970, 1, 1), date(2024, 5, 2)
WRONG: dict[str, tuple[list[tuple[str, Any]], str]] = {
    "the only version has no date": (
        [("v1", None)],
        "Version 'v1' of the play rules has no date: give it the UTC date, as `valid_from`, from which it is in force.",
    ),
    "a date is a text": (
        [("v1", EARLY), ("v2", "2024-05-02")],
        "Version 'v2' of the play rules has no date: give it the UTC date, as `valid_from`, from which it is in force.",
    ),
    "the newer one comes first": (
        [("v2", LATE), ("v1", EARLY)],
        "Version 'v1' of the play rules, from 1970-01-01 on, follows 'v2', from 2024-05-02 on: put the oldest first, "
        "and give each a later date than the one before it.",
    ),
    "two begin on one day": (
        [("v1", EARLY), ("v2", EARLY)],
        "Version 'v2' of the play rules, from 1970-01-01 on, follows 'v1', from 1970-01-01 on: put the oldest first, "
        "and give each a later date than the one before it.",
    ),
    "two have one name": (
        [("v1", EARLY), ("v1", LATE)],
        "There is more than one version 'v1' of the play rules: give each a name of its own, so that a row says which "
        "one it was judged by.",
    ),
}


@pytest.mark.parametrize(("versions", "sentence"), WRONG.values(), ids=WRONG)
def test_versions_that_are_not_dated_in_order_or_named_are_one_sentence_and_judge_nothing(
    versions: list[tuple[str, Any]], sentence: str
) -> None:
    rules = tuple(PlayRule(version, valid_from, 30_000) for version, valid_from in versions)
    with pytest.raises(ContractError) as raised:
        judged(["play"], [30_000], [DAY], rules)
    assert str(raised.value) == sentence
