"""What can be asked of a replay, and which letters the lake has for it."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import write_deltalake
from pyspark.sql import SparkSession

from infra.lake import Lake
from infra.local.stack import Endpoints
from infra.settings import Settings
from jobs.replay import Request, replay, request
from jobs.replay_letters import ReplayLetters, Seen
from jobs.run_lock import run_lock
from playback.arrow import arrow_schema
from playback.fix_rules import Change, Rule
from playback.reasons import Reason
from playback.repair import LETTERS
from playback.replay import DECIDED
from schemas.bronze import DEAD_LETTERS, PLAYBACK_EVENTS
from schemas.errors import InputError, SupersededError
from schemas.model import Table
from schemas.silver import PLAYS

UPPER = Rule("upper", Reason.BAD_COUNTRY, changes=(Change("upper", "country"),))
SKEW = Rule("skew", Reason.CLOCK_SKEW, changes=(Change("shift_seconds", "occurred_at", -60),))


def test_the_reasons_of_the_rules_are_meant_when_none_is_given() -> None:
    assert request([], [SKEW, UPPER]) == Request(("bad_country", "clock_skew"), (SKEW, UPPER))


def test_all_are_all_reasons() -> None:
    assert request(["all", "bad_country"], []).reasons == tuple(Reason)


ASKED: dict[str, tuple[list[str], list[Rule], str]] = {
    "nothing": ([], [], r"Say what to replay: give a --reason \(missing_payload, .*, or all\), or --rules"),
    "an unknown reason": (["sad_country"], [], "'sad_country' is no reason: give one of missing_payload,"),
    "a rule for another reason": (["clock_skew"], [UPPER], "The rule 'upper' is for bad_country: give that --reason"),
}


@pytest.mark.parametrize("case", ASKED)
def test_what_cannot_be_asked_is_refused_before_anything_is_done(case: str) -> None:
    reasons, rules, said = ASKED[case]
    with pytest.raises(InputError, match=said):
        request(reasons, rules)


def test_a_replay_while_a_run_is_at_work_says_so_and_touches_nothing(tmp_path: Path) -> None:
    with run_lock(tmp_path), pytest.raises(SupersededError, match=r"Another run is at work in .*: wait for it"):
        replay(Settings(home=tmp_path), Endpoints(), request(["all"], []))
    assert [path.name for path in tmp_path.rglob("*")] == ["lake", "run.lock"]


def write(lake: Lake, table: Table, rows: list[dict[str, Any]]) -> None:
    lake.create(table)
    write_deltalake(lake.path(table), pa.Table.from_pylist(rows, arrow_schema(table.stored_fields)), mode="append")


@pytest.fixture
def letters(
    session: SparkSession, lake: Lake, event: Callable[..., Any], records: Callable[..., pa.Table]
) -> Iterator[ReplayLetters]:
    """The letters of a small ledger, on each engine; the one at offset 1 was brought back, and is one again."""
    bad = [event(f"e{number}", country="de") for number in range(3)]
    ledger = records(event("accepted"), *bad, b"hello", event("e1", country="fr")).to_pylist()
    for row in ledger:
        row |= {"key": b"k%d" % row["offset"], "install_id": "phone", "sequence": row["offset"]}
    ledger[5]["replay_of"] = "T/0/1"
    known = {"appended_date": date(2026, 11, 20), "client_id": "phone", "detail": "Why.", "input_positions": "{}"}
    reasons = [Reason.BAD_COUNTRY] * 3 + [Reason.UNKNOWN_FORMAT, Reason.BAD_COUNTRY]
    write(lake, PLAYBACK_EVENTS, ledger)
    write(lake, DEAD_LETTERS, [row | known | {"reason": why} for row, why in zip(ledger[1:], reasons, strict=True)])
    accepted = {field.name: None if field.nullable else STAND_INS[field.type] for field in PLAYS.stored_fields}
    write(lake, PLAYS, [accepted | {"event_id": "accepted"}])
    found = ReplayLetters(session, lake)
    yield found
    found.clear()
    assert not list((lake.root / "_staging").glob("replay.*"))


STAND_INS = {
    "string": "",
    "boolean": False,
    "int": 0,
    "long": 0,
    "timestamp": datetime(2026, 11, 20, tzinfo=UTC),
    "date": date(2026, 11, 20),
}


def test_letters_are_those_that_no_record_names_with_their_key_and_headers(letters: ReplayLetters) -> None:
    assert letters.seen() == {"bad_country": Seen(4, 1), "unknown_format": Seen(1, 0)}
    (left,) = letters.of(["bad_country"], replayed=False)
    assert left.schema.equals(LETTERS)
    known = ("offset", "reason", "key", "install_id", "sequence")
    assert [tuple(row[name] for name in known) for row in left.to_pylist()] == [
        (offset, "bad_country", b"k%d" % offset, "phone", offset) for offset in (2, 3, 5)
    ]
    (before,) = letters.of(["bad_country"], replayed=True)
    assert before.column("offset").to_pylist() == [1]
    assert list(letters.of(["clock_skew"], replayed=False)) == []

    messages = [
        {"number": 0, "event_id": "accepted", "reason": "bad_country", "rule": "a"},
        {"number": 1, "event_id": "new", "reason": "bad_country", "rule": "a"},
        {"number": 2, "event_id": "new", "reason": "bad_country", "rule": "b"},
    ]
    letters.messages.parent.mkdir()
    pq.write_table(pa.Table.from_pylist(messages, DECIDED), letters.messages)
    assert letters.fates() == {("bad_country", "a"): (1, 1), ("bad_country", "b"): (0, 1)}
    pq.write_table(DECIDED.empty_table(), letters.messages)
    assert letters.fates() == {}
