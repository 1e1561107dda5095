"""`tonearm balance`: the sheet, who misses what, and one client's lines, from the lake alone."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from infra.lake import Lake
from playback.arrow import arrow_schema
from schemas.gold import EVENT_BALANCE
from tonearm.app import run

COUNTS = ("sent", "accepted", "duplicate", "dead_letter", "replayed", "pending", "lost", "unaccounted")


def row(client: str, hour: int, stage: str = "silver", **counts: int) -> dict[str, Any]:
    where = {"client_id": client, "topic_id": "T", "topic": "events", "hour": datetime(2026, 11, 20, hour, tzinfo=UTC)}
    return where | dict.fromkeys(COUNTS, 0) | {"stage": stage, "input_positions": "{}"} | counts


ROWS = [
    row("whole", 12, sent=5, accepted=4, duplicate=1),
    row("whole", 12, "bronze", sent=5, accepted=5),
    row("misses-one", 12, sent=3, accepted=2, pending=1),
    row("misses-six", 12, sent=4, accepted=2, lost=2),
    row("misses-six", 13, sent=6, accepted=1, dead_letter=1, lost=3, pending=1),
    row("misses-six", 13, "bronze", sent=6, accepted=2, lost=3, pending=1),
]


def written(home: Path, *rows: dict[str, Any]) -> None:
    lake = Lake(home / "lake")
    lake.create(EVENT_BALANCE)
    stored = pa.Table.from_pylist(list(rows), schema=arrow_schema(EVENT_BALANCE.stored_fields))
    write_deltalake(lake.path(EVENT_BALANCE), stored, mode="append")


def asked(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    assert run(["balance", "--json", *words]) == 0
    return json.loads(capsys.readouterr().out)


def refused(capsys: pytest.CaptureFixture[str], status: int, *words: str) -> str:
    assert run(["balance", *words]) == status
    return capsys.readouterr().err


def test_the_sheet_is_by_topic_and_hour(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written(home, *ROWS)
    sheet = asked(capsys)
    lines = [(line["hour"], line["sent"], line["lost"], line["clients_missing"]) for line in sheet["hours"]]
    assert lines == [("2026-11-20T12", 12, 2, 2), ("2026-11-20T13", 6, 3, 1)]
    assert (sheet["sent"], sheet["pending"], sheet["lost"], sheet["clients_missing"]) == (18, 2, 5, 2)
    assert sheet["adds_up"]
    assert "misses-six" not in json.dumps(sheet)


def test_a_line_that_does_not_add_up_shows_although_the_sums_do(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written(home, row("less", 12, sent=2, accepted=1, unaccounted=1), row("more", 12, accepted=1, unaccounted=-1))
    sheet = asked(capsys)
    assert (sheet["sent"], sheet["accepted"], sheet["adds_up"]) == (2, 2, False)
    assert sheet["hours"][0]["clients_wrong"] == 2
    assert run(["balance"]) == 0
    assert "does not add up" in capsys.readouterr().out


def test_a_person_sees_the_sheet_and_how_many_clients_miss_something(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)  # which some processes that run tests have
    written(home, *ROWS)
    assert run(["balance"]) == 0
    said = capsys.readouterr().out
    assert "events 11-20 12h" in said
    assert "2 clients miss 7 of what was sent: see `tonearm balance --missing`." in said


def test_who_misses_what_most_first(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written(home, *ROWS)
    assert asked(capsys, "--missing") == {
        "missing": 7,
        "lost": 5,
        "pending": 2,
        "clients": [
            {"client_id": "misses-six", "missing": 6, "lost": 5, "pending": 1, "sent": 10},
            {"client_id": "misses-one", "missing": 1, "lost": 0, "pending": 1, "sent": 3},
        ],
    }
    hours = asked(capsys, "--missing", "--hours")["clients"]
    assert [(one["client_id"], one["hour"][11:13], one["missing"]) for one in hours] == [
        ("misses-six", "13", 4),
        ("misses-six", "12", 2),
        ("misses-one", "12", 1),
    ]


def test_nobody_misses_anything(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written(home, ROWS[0])
    assert asked(capsys, "--missing")["clients"] == []
    assert run(["balance", "--missing"]) == 0
    assert capsys.readouterr().out == "Nobody misses anything.\n"


def test_the_lines_of_one_client(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written(home, *ROWS)
    lines = asked(capsys, "--client", "misses-six")["lines"]
    assert [(line["stage"], line["sent"], line["lost"]) for line in lines] == [("bronze", 6, 3), ("silver", 10, 5)]
    lines = asked(capsys, "--client", "misses-six", "--hours")["lines"]
    assert [(line["stage"], line["hour"][11:13], line["dead_letter"]) for line in lines] == [
        ("bronze", "13", 0),
        ("silver", "12", 0),
        ("silver", "13", 1),
    ]
    assert run(["balance", "--client", "misses-six"]) == 0
    assert "2 rows" in capsys.readouterr().out


def test_a_client_that_nobody_knows(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written(home, *ROWS)
    said = refused(capsys, 1, "--client", "a stranger")
    assert said.startswith("Nothing is known of that client")
    assert "stranger" not in said


def test_questions_that_exclude_each_other(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "leave --client or --missing out" in refused(capsys, 1, "--client", "x", "--missing")
    assert "give --hours together with" in refused(capsys, 1, "--hours")


def test_before_the_first_run(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "gold.event_balance is not in the lake: run `tonearm run` first." in refused(capsys, 75)
