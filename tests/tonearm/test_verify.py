"""`tonearm verify`: a lake of a few rows, and the answer key of a log of five messages; without statistics."""

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from infra.settings import Settings
from schemas.bronze import DEAD_LETTERS, PLAYBACK_EVENTS
from schemas.gold import COUNTRY_CHARTS, DAILY_TRACK_PLAYS, DAILY_USER_PLAYS, EVENT_BALANCE
from schemas.model import Table
from schemas.music_catalogue import TRACK_FACTS
from schemas.silver import DUPLICATES
from tests.tonearm.five_messages import LAKE, RECORD, write_key, write_lake
from tonearm.app import run
from tonearm.verification import answers_for

pytestmark = pytest.mark.usefixtures("without_statistics")


def test_a_lake_that_is_what_the_key_says(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_lake(home)
    write_key(home / "truth")
    assert run(["verify"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "✓ gold.daily_track_plays 1 row equal",
        "✓ gold.daily_user_plays 1 row equal",
        "✓ gold.country_charts 2 rows equal",
        "✓ gold.event_balance 2 rows equal",
        "✓ bronze.dead_letters 1 row equal",
        "✓ silver.duplicates 1 row equal",
        "✓ bronze.catalogue_rows 0 rows equal",
        "✓ silver.catalogue_entries 0 rows equal",
        "✓ silver.track_facts 0 rows equal",
    ]


def test_a_key_in_another_folder(home: Path, tmp_path: Path) -> None:
    write_lake(home)
    write_key(tmp_path / "key")
    assert run(["verify"]) == 75
    assert run(["verify", "--truth", str(tmp_path / "key")]) == 0


def test_a_row_that_differs_is_shown_without_whose_it_is(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_lake(home, {DAILY_USER_PLAYS: [LAKE[DAILY_USER_PLAYS][0] | {"played_ms": 30_001}]})
    write_key(home / "truth")
    assert run(["verify"]) == 1
    said = capsys.readouterr()
    counts = "playback_count 1, play_count 1, skip_count 0, track_count 1"
    clean = "clean_playback_count 1, clean_play_count 1, clean_skip_count 0, clean_played_ms 30000"
    assert said.out.splitlines()[1:4] == [
        "✗ gold.daily_user_plays: 1 row only in the key, 1 row only in the table",
        f"    key: event_date 2026-01-31, user_id …, {counts}, played_ms 30000, {clean}",
        f"    table: event_date 2026-01-31, user_id …, {counts}, played_ms 30001, {clean}",
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
    home: Path, capsys: pytest.CaptureFixture[str], records: int, why: str
) -> None:
    write_lake(home, {PLAYBACK_EVENTS: [RECORD | {"offset": one} for one in range(records)], COUNTRY_CHARTS: []})
    write_key(home / "truth")
    assert run(["verify"]) == 1
    assert capsys.readouterr().err == f"Not what the answer key says: gold.country_charts; {why}\n"


@pytest.mark.parametrize(("records", "answers"), [(3, False), (4, True), (5, False)])
def test_the_key_answers_for_a_home_that_holds_the_simulation_and_nothing_else(
    home: Path, records: int, answers: bool
) -> None:
    write_lake(home, {PLAYBACK_EVENTS: [RECORD | {"offset": one} for one in range(records)]})
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
    capsys: pytest.CaptureFixture[str],
    table: Table,
    change: dict[str, Any],
) -> None:
    write_lake(home, {table: [LAKE[table][0] | change, *LAKE[table][1:]]})
    write_key(home / "truth")
    assert run(["verify", "--json"]) == 1
    said = capsys.readouterr()
    found = [json.loads(line) for line in said.out.splitlines()]
    assert [one["table"] for one in found if not one["equal"]] == [table.full_name]
    assert "secret" not in said.out + said.err


def test_a_simulation_that_was_cut_off_is_not_asked_how_often(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    often = (DEAD_LETTERS, DUPLICATES, EVENT_BALANCE)
    write_lake(home, {table: LAKE[table] * 2 for table in often})
    write_key(home / "truth", interrupted=True)
    assert run(["verify", "--json"]) == 0
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {one["table"] for one in found if not one["compared"]} == {table.full_name for table in often}
    assert run(["verify"]) == 0
    assert "- silver.duplicates: not compared, the simulation was cut off" in capsys.readouterr().out


def test_an_empty_table_misses_everything(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_lake(home, {table: [] for table in LAKE})
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
        *[(0, 0)] * 3,
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


def test_a_catalogue_of_ones_own_is_told_as_the_reason_and_the_key_does_not_answer_for_it(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_lake(
        home,
        {
            PLAYBACK_EVENTS: [RECORD | {"offset": offset} for offset in range(4)],
            TRACK_FACTS: [{"track_id": "uri:1", "release_year": 1999, "genres": "pop"}],
        },
    )
    write_key(home / "truth")
    assert answers_for(Settings(), home / "truth")
    monkeypatch.setenv("TONEARM_CATALOGUE_FEED", "feed.csv")
    assert not answers_for(Settings(), home / "truth")
    assert run(["verify"]) == 1
    assert "silver.track_facts; the catalogue is the one that TONEARM_CATALOGUE_FEED" in capsys.readouterr().err


def test_a_key_of_a_version_that_had_other_columns_is_a_sentence(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_lake(home)
    write_key(home / "truth")
    answer = home / "truth" / "gold.daily_user_plays.parquet"
    pq.write_table(pq.read_table(answer).drop_columns(["clean_play_count"]), answer)
    assert run(["verify"]) == 75
    said = capsys.readouterr().err
    assert (
        "is of another version of Tonearm, which had other columns in gold.daily_user_plays: run `tonearm sim" in said
    )
    assert not answers_for(Settings(), home / "truth")
