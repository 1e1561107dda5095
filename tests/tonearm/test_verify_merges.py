"""`tonearm verify` where plays are merged: merges are judged, and what follows from them is exact."""

import json
from pathlib import Path
from typing import Any

import pytest

from schemas.gold import DAILY_USER_PLAYS, EVENT_BALANCE
from schemas.silver import MERGED_PLAYS
from tests.tonearm.five_messages import DAY, HOURS, LAKE, MESSAGES, PLAYBACK, write_key, write_lake
from tonearm.app import run

pytestmark = pytest.mark.usefixtures("without_statistics")

MERGED = {"event_id": "f", "kept_event_id": "e", "event_date": DAY, "user_id": "secret-ada"}
MERGED |= {"reason": "other_source", "overlap_ms": 1, "skew_ms": 0, "merge_version": "m1"}


def test_merges_are_held_against_the_key_by_how_many_are_right_and_how_many_are_found(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pairs = [
        {"message_number": number, "event_id": f"{name}{playback}", "playback_id": playback, **PLAYBACK}
        for number, (playback, name) in enumerate((playback, name) for playback in "pqr" for name in "ab")
    ]
    merged = [("bp", "ap"), ("aq", "bq"), ("br", "ap")]
    rows = [{"event_id": one, "kept_event_id": kept, "event_date": DAY} for one, kept in merged]
    write_lake(home, {MERGED_PLAYS: [MERGED | row for row in rows]})
    write_key(home / "truth", messages=pairs)
    run(["verify"])
    assert capsys.readouterr().out.splitlines()[-1] == (
        "· silver.merged_plays: precision 0.6667, recall 0.6667 (2 right of 3 merged, of 3 told of twice)"
    )
    run(["verify", "--json"])
    assert json.loads(capsys.readouterr().out.splitlines()[-1]) == {
        "table": "silver.merged_plays",
        **{"expected": 3, "merged": 3, "right": 2, "precision": 0.6667, "recall": 0.6667},
    }


def test_gold_is_what_the_key_says_without_the_plays_that_the_lake_has_merged(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    again = {"message_number": 4, "event_id": "f", "sequence": 4, "playback_id": "p", **PLAYBACK, "ms_played": 31_000}
    log = [{**MESSAGES[0], "playback_id": "p"}, *MESSAGES[1:4], again, MESSAGES[4] | {"high_water": 5}]
    balance = [row | {"sent": row["sent"] + (row["hour"] == HOURS[0])} for row in LAKE[EVENT_BALANCE]]
    balance = [row | {"accepted": row["accepted"] + (row["hour"] == HOURS[0])} for row in balance]
    write_lake(home, {MERGED_PLAYS: [MERGED], EVENT_BALANCE: balance})
    write_key(
        home / "truth", messages=[{**row, "message_number": at} if at != 3 else row for at, row in enumerate(log)]
    )
    assert run(["verify"]) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("· silver.merged_plays: precision 1.0000, recall 1.0000")
    assert [one.name for one in (home / "truth").iterdir() if one.is_dir()] == []
    write_lake(home, {table: [] for table in LAKE} | {DAILY_USER_PLAYS: LAKE[DAILY_USER_PLAYS]})
    assert run(["verify"]) == 1
    assert "✗ gold.daily_user_plays" in capsys.readouterr().out


def told_again_by_a_letter() -> list[dict[str, Any]]:
    """The log in which the spoilt message tells of the first playback too, under another id."""
    letter = MESSAGES[2] | {"event_id": "f", "playback_id": "p", "fault": "trailing_bytes"}
    return [MESSAGES[0] | {"playback_id": "p"}, MESSAGES[1], letter, *MESSAGES[3:]]


def test_a_letter_that_was_replayed_and_merged_is_what_the_key_says_where_it_is_named(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bronze, silver = ([row for row in LAKE[EVENT_BALANCE] if row["stage"] == stage] for stage in ("bronze", "silver"))
    came = bronze[1] | {"sent": 3, "accepted": 2}
    replayed = silver[1] | {"sent": 3, "accepted": 1, "dead_letter": 0, "replayed": 1}
    write_lake(home, {MERGED_PLAYS: [MERGED], EVENT_BALANCE: [bronze[0], silver[0], came, replayed]})
    write_key(home / "truth", messages=told_again_by_a_letter())

    assert run(["verify"]) == 1
    assert "✗ gold.event_balance" in capsys.readouterr().out
    assert run(["verify", "--replayed", "trailing_bytes"]) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("· silver.merged_plays: precision 1.0000, recall 1.0000")


def test_a_fault_that_no_simulation_has_is_one_sentence(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["verify", "--replayed", "gone"]) == 1
    assert capsys.readouterr().err.startswith("No message is spoilt by gone: faults are ")
