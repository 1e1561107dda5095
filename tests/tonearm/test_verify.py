"""`tonearm verify`: a lake of a few rows, and the answer key of a log of five messages; without statistics."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import write_deltalake

from infra.lake import Lake
from infra.settings import Settings
from playback.arrow import arrow_schema
from playback.simulator.log import LOG
from schemas.bronze import DEAD_LETTERS, PLAYBACK_EVENTS
from schemas.gold import COUNTRY_CHARTS, DAILY_TRACK_PLAYS, DAILY_USER_PLAYS, EVENT_BALANCE
from schemas.model import Table
from schemas.silver import DUPLICATES, MERGED_PLAYS
from tonearm.app import run
from tonearm.verification import answers_for
from truth.answers import write_answers

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
DAY = date(2026, 1, 31)
TRACK = {"track_id": "uri:1", "artist_name": "Poolside", "track_title": "Harvest Moon"}
COUNTS = {"playback_count": 1, "play_count": 1, "skip_count": 0, "played_ms": 30_000}
RECORD = {"topic_id": "t", "partition": 0, "offset": 0, "topic": "events", "appended_at": NOON, "appended_date": DAY}
NONE = dict.fromkeys(("duplicate", "dead_letter", "replayed", "pending", "lost", "unaccounted"), 0)
LINE = {"client_id": "secret-phone", "topic_id": "t", "topic": "events"} | NONE
HOURS = [datetime(2026, 2, 1, hour, tzinfo=UTC) for hour in (0, 1)]

# the first playback was sent again with other content, one message is spoilt, and one before the mark was lost
PLAYBACK = {
    **TRACK,
    "user_id": "secret-ada",
    "install_id": "secret-phone",
    "occurred_at": NOON,
    "country": "DE",
    "content_type": "track",
    "outcome": "play",
    "ms_played": 30_000,
}
MESSAGES = [
    {"message_number": 0, "event_id": "e", "sequence": 0, **PLAYBACK},
    {"message_number": 1, "event_id": "e", "sequence": 1, **PLAYBACK},
    {"message_number": 2, "sequence": 2, **PLAYBACK, "fault": "cut", "reason": "truncated_avro"},
    {"message_number": None, "sequence": 3, **PLAYBACK},
    {"message_number": 3, "install_id": "secret-phone", "high_water": 4},
]
LAKE: dict[Table, list[dict[str, Any]]] = {
    DAILY_TRACK_PLAYS: [{"event_date": DAY, "country": "DE", "track_id": "uri:1", "listener_count": 1, **COUNTS}],
    DAILY_USER_PLAYS: [{"event_date": DAY, "user_id": "secret-ada", "track_count": 1, **COUNTS}],
    COUNTRY_CHARTS: [
        {"country": "DE", "window_days": days, "position": 1, "chart_date": DAY, "play_count": 1, "played_ms": 30_000}
        | TRACK
        for days in (7, 28)
    ],
    EVENT_BALANCE: [
        {**LINE, "stage": "bronze", "hour": HOURS[0], "sent": 2, "accepted": 2},
        {**LINE, "stage": "bronze", "hour": HOURS[1], "sent": 2, "accepted": 1, "lost": 1},
        {**LINE, "stage": "silver", "hour": HOURS[0], "sent": 2, "accepted": 1, "duplicate": 1},
        {**LINE, "stage": "silver", "hour": HOURS[1], "sent": 2, "accepted": 0, "dead_letter": 1, "lost": 1},
    ],
    DEAD_LETTERS: [{**RECORD, "client_id": "secret-phone", "reason": "truncated_avro", "detail": "Cut."}],
    DUPLICATES: [
        {**RECORD, "client_id": "secret-phone", "event_id": "e", "is_conflict": True}
        | {"kept_topic_id": "t", "kept_partition": 0, "kept_offset": 1}
    ],
}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TONEARM_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("TONEARM_STATISTICS", "false")
    return tmp_path / "home"


@pytest.fixture
def write_lake(home: Path) -> Callable[..., None]:
    """A function that writes the lake; of the tables given other rows."""

    def written(other: dict[Table, list[dict[str, Any]]] | None = None) -> None:
        lake = Lake(home / "lake")
        for table, rows in (LAKE | (other or {})).items():
            lake.create(table)
            schema = arrow_schema(table.stored_fields)
            full = [{"ingested_at": NOON, "input_positions": "{}"} | row for row in rows]
            write_deltalake(lake.path(table), pa.Table.from_pylist(full, schema=schema), mode="append")

    return written


def write_key(
    folder: Path, interrupted: bool = False, complete: bool = True, messages: list[dict[str, Any]] = MESSAGES
) -> None:
    folder.mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist(messages, schema=LOG), folder / "log.parquet")
    write_answers(folder, statistics=False)
    key = {"subject": "s", "messages": 4, "interrupted": interrupted, "complete": complete}
    (folder / "key.json").write_text(json.dumps(key))


def test_a_lake_that_is_what_the_key_says(
    home: Path, write_lake: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    write_lake()
    write_key(home / "truth")
    assert run(["verify"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "✓ gold.daily_track_plays 1 row equal",
        "✓ gold.daily_user_plays 1 row equal",
        "✓ gold.country_charts 2 rows equal",
        "✓ gold.event_balance 2 rows equal",
        "✓ bronze.dead_letters 1 row equal",
        "✓ silver.duplicates 1 row equal",
    ]


def test_a_key_in_another_folder(home: Path, tmp_path: Path, write_lake: Callable[..., None]) -> None:
    write_lake()
    write_key(tmp_path / "key")
    assert run(["verify"]) == 75
    assert run(["verify", "--truth", str(tmp_path / "key")]) == 0


def test_a_row_that_differs_is_shown_without_whose_it_is(
    home: Path, write_lake: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    write_lake({DAILY_USER_PLAYS: [LAKE[DAILY_USER_PLAYS][0] | {"played_ms": 30_001}]})
    write_key(home / "truth")
    assert run(["verify"]) == 1
    said = capsys.readouterr()
    counts = "playback_count 1, play_count 1, skip_count 0, track_count 1"
    assert said.out.splitlines()[1:4] == [
        "✗ gold.daily_user_plays: 1 row only in the key, 1 row only in the table",
        f"    key: event_date 2026-01-31, user_id …, {counts}, played_ms 30000",
        f"    table: event_date 2026-01-31, user_id …, {counts}, played_ms 30001",
    ]
    assert said.err.startswith("Not what the answer key says: gold.daily_user_plays;")
    assert said.err.count("\n") == 1


@pytest.mark.parametrize(
    ("records", "why"),
    [
        (3, "not all that the simulation sent has been processed: run `tonearm run`, then again."),
        (4, "the tables are wrong."),
        (6, "the ledger has 2 records that the simulation did not send, and the key does not know them."),
    ],
)
def test_why_tables_differ_is_told_by_how_many_records_came(
    home: Path, write_lake: Callable[..., None], capsys: pytest.CaptureFixture[str], records: int, why: str
) -> None:
    write_lake({PLAYBACK_EVENTS: [RECORD | {"offset": one} for one in range(records)], COUNTRY_CHARTS: []})
    write_key(home / "truth")
    assert run(["verify"]) == 1
    assert capsys.readouterr().err == f"Not what the answer key says: gold.country_charts; {why}\n"


@pytest.mark.parametrize(("records", "answers"), [(3, False), (4, True), (5, False)])
def test_the_key_answers_for_a_home_that_holds_the_simulation_and_nothing_else(
    home: Path, write_lake: Callable[..., None], records: int, answers: bool
) -> None:
    write_lake({PLAYBACK_EVENTS: [RECORD | {"offset": one} for one in range(records)]})
    assert not answers_for(Settings(), home / "truth")
    write_key(home / "truth")
    assert answers_for(Settings(), home / "truth") is answers


@pytest.mark.parametrize(
    ("table", "change"),
    [
        (DAILY_TRACK_PLAYS, {"listener_count": 2}),
        (COUNTRY_CHARTS, {"track_title": "Another"}),
        (EVENT_BALANCE, {"pending": 1}),
        (DEAD_LETTERS, {"reason": "trailing_bytes"}),
        (DUPLICATES, {"is_conflict": False}),
    ],
    ids=lambda value: value.full_name if isinstance(value, Table) else "",
)
def test_each_table_is_compared_and_no_one_is_named(
    home: Path,
    write_lake: Callable[..., None],
    capsys: pytest.CaptureFixture[str],
    table: Table,
    change: dict[str, Any],
) -> None:
    write_lake({table: [LAKE[table][0] | change, *LAKE[table][1:]]})
    write_key(home / "truth")
    assert run(["verify", "--json"]) == 1
    said = capsys.readouterr()
    found = [json.loads(line) for line in said.out.splitlines()]
    assert [one["table"] for one in found if not one["equal"]] == [table.full_name]
    assert "secret" not in said.out + said.err


def test_merges_are_held_against_the_key_by_how_many_are_right_and_how_many_are_found(
    home: Path, write_lake: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    pairs = [
        {"message_number": number, "event_id": f"{name}{playback}", "playback_id": playback, **PLAYBACK}
        for number, (playback, name) in enumerate((playback, name) for playback in "pqr" for name in "ab")
    ]
    merged = [("bp", "ap"), ("aq", "bq"), ("br", "ap")]
    rows = [{"event_id": one, "kept_event_id": kept, "event_date": DAY} for one, kept in merged]
    common = {"user_id": "secret-ada", "reason": "other_source", "overlap_ms": 1, "skew_ms": 0, "merge_version": "m1"}
    write_lake({MERGED_PLAYS: [row | common for row in rows]})
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
    home: Path, write_lake: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    again = {"message_number": 4, "event_id": "f", "sequence": 4, "playback_id": "p", **PLAYBACK, "ms_played": 31_000}
    log = [{**MESSAGES[0], "playback_id": "p"}, *MESSAGES[1:4], again, MESSAGES[4] | {"high_water": 5}]
    merged = {"event_id": "f", "kept_event_id": "e", "event_date": DAY, "user_id": "secret-ada"}
    merged |= {"reason": "other_source", "overlap_ms": 1, "skew_ms": 0, "merge_version": "m1"}
    balance = [row | {"sent": row["sent"] + (row["hour"] == HOURS[0])} for row in LAKE[EVENT_BALANCE]]
    balance = [row | {"accepted": row["accepted"] + (row["hour"] == HOURS[0])} for row in balance]
    write_lake({MERGED_PLAYS: [merged], EVENT_BALANCE: balance})
    write_key(
        home / "truth", messages=[{**row, "message_number": at} if at != 3 else row for at, row in enumerate(log)]
    )
    assert run(["verify"]) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("· silver.merged_plays: precision 1.0000, recall 1.0000")
    assert [one.name for one in (home / "truth").iterdir() if one.is_dir()] == []
    write_lake({table: [] for table in LAKE} | {DAILY_USER_PLAYS: LAKE[DAILY_USER_PLAYS]})
    assert run(["verify"]) == 1
    assert "✗ gold.daily_user_plays" in capsys.readouterr().out


def test_a_simulation_that_was_cut_off_is_not_asked_how_often(
    home: Path, write_lake: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    often = (DEAD_LETTERS, DUPLICATES, EVENT_BALANCE)
    write_lake({table: LAKE[table] * 2 for table in often})
    write_key(home / "truth", interrupted=True)
    assert run(["verify", "--json"]) == 0
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {one["table"] for one in found if not one["compared"]} == {table.full_name for table in often}
    assert run(["verify"]) == 0
    assert "- silver.duplicates: not compared, the simulation was cut off" in capsys.readouterr().out


def test_an_empty_table_misses_everything(
    home: Path, write_lake: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    write_lake({table: [] for table in LAKE})
    write_key(home / "truth")
    assert run(["verify", "--json"]) == 1
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    # of the duplicates it is the one row of counts that differs
    assert [(one["only_in_key"], one["only_in_table"]) for one in found] == [
        (1, 0),
        (1, 0),
        (2, 0),
        (2, 0),
        (1, 0),
        (1, 1),
    ]


def test_without_a_key_there_is_nothing_to_compare(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["verify"]) == 75
    assert "There is no answer key in" in capsys.readouterr().err


def test_a_key_that_was_not_finished_says_nothing(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_key(home / "truth", complete=False)
    assert run(["verify"]) == 75
    assert "was not finished: run `tonearm simulate` again." in capsys.readouterr().err


def test_an_answer_that_is_gone_makes_the_key_unfinished(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_key(home / "truth")
    (home / "truth" / "gold.country_charts.parquet").unlink()
    assert run(["verify"]) == 75
    assert "was not finished" in capsys.readouterr().err


def test_a_damaged_key_is_told(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "truth").mkdir(parents=True)
    (home / "truth" / "key.json").write_text("{")
    assert run(["verify"]) == 1
    assert "is damaged" in capsys.readouterr().err


def test_a_table_that_was_not_computed_yet_is_missing(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_key(home / "truth")
    assert run(["verify"]) == 75
    assert "gold.daily_track_plays is not in the lake" in capsys.readouterr().err
