"""`tonearm get`, `sql` and `rollback` on a real Cassandra and the BigQuery stand-in."""

import json
import uuid
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from infra.identity import Identities
from infra.lake import Lake
from infra.settings import Settings
from jobs.publish import publish
from playback.arrow import arrow_schema
from schemas.errors import InputError
from schemas.gold import DAILY_USER_PLAYS
from tonearm.app import run
from tonearm.commands.get import pairs
from tonearm.commands.sql import weight_in_words


@pytest.fixture
def lake(stack: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lake:
    """A lake whose table was published twice: one play of Ada's on a first day, two after."""
    name = f"c{uuid.uuid4().hex[:8]}"
    monkeypatch.setenv("TONEARM_HOME", str(stack.settings.home))
    monkeypatch.setenv("TONEARM_CASSANDRA_KEYSPACE", name)
    monkeypatch.setenv("TONEARM_BIGQUERY_DATASET_PREFIX", f"{name}_")
    lake, settings = Lake(tmp_path / "lake"), Settings()
    lake.create(DAILY_USER_PLAYS)
    user_id = Identities(settings.home).pseudonym("Ada")
    for version, count in ((1, 1), (2, 2)):
        row = dict.fromkeys(("playback_count", "play_count", "skip_count", "track_count", "played_ms"), count)
        row |= {"event_date": date(2026, 1, 1), "user_id": user_id, "input_positions": "{}"}  # type: ignore[dict-item]
        rows = pa.Table.from_pylist([row], schema=arrow_schema(DAILY_USER_PLAYS.stored_fields))
        write_deltalake(lake.path(DAILY_USER_PLAYS), rows, mode="overwrite")
        publish(settings, stack.endpoints, lake, DAILY_USER_PLAYS, version)
    monkeypatch.setattr("infra.lake.Lake", lambda _: lake)
    return lake


def printed(capsys: pytest.CaptureFixture[str]) -> list[Any]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.mark.usefixtures("lake")
def test_a_listener_is_found_by_the_account_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["get", "gold.daily_user_plays", "--user", "Ada", "--json"]) == 0
    [row] = printed(capsys)
    assert (row["event_date"], row["play_count"]) == ("2026-01-01", 2)


@pytest.mark.usefixtures("lake")
def test_the_warehouse_is_asked_about_the_listener_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    dataset = f"{Settings().bigquery_dataset_prefix}gold"
    sql = f"SELECT SUM(play_count) AS plays FROM {dataset}.daily_user_plays WHERE user_id = @user_id"
    assert run(["sql", sql, "--user", "Ada", "--json"]) == 0
    assert printed(capsys) == [{"plays": 2}]


@pytest.mark.usefixtures("lake")
def test_a_dry_run_runs_nothing_and_says_that_the_stand_in_cannot_tell(capsys: pytest.CaptureFixture[str]) -> None:
    dataset = f"{Settings().bigquery_dataset_prefix}gold"
    statement = f"DELETE FROM {dataset}.daily_user_plays_v1 WHERE user_id = @user_id"
    assert run(["sql", statement, "--user", "Ada", "--dry-run"]) == 0
    assert capsys.readouterr().out == (
        "The statement is in order, but how much it would read the local stand-in of BigQuery cannot tell.\n"
    )
    assert run(["sql", statement, "--user", "Ada", "--dry-run", "--json"]) == 0
    assert printed(capsys) == [{"bytes": None}]
    assert run(["sql", f"SELECT COUNT(*) AS days FROM {dataset}.daily_user_plays", "--json"]) == 0
    assert printed(capsys) == [{"days": 1}]


@pytest.mark.usefixtures("lake")
@pytest.mark.parametrize("statement", ["SELEC country", "SELECT 1 FROM gold.no_such_table"])
def test_a_dry_run_of_a_wrong_statement_is_the_usual_sentence(
    capsys: pytest.CaptureFixture[str], statement: str
) -> None:
    assert run(["sql", statement, "--dry-run"]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("BigQuery refuses the query: ")
    assert "http" not in said.err


def test_what_a_statement_would_read_is_said_in_bytes() -> None:
    assert weight_in_words(1_610_612_736, "BigQuery") == (
        "The statement is in order and would read 1,610,612,736 bytes (1.500 GiB)."
    )


@pytest.mark.usefixtures("lake")
def test_a_rollback_brings_the_earlier_rows_back(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["rollback", "gold.daily_user_plays", "--json"]) == 0
    [done] = printed(capsys)
    assert [(one["store"], one["delta_version"]) for one in done] == [("bigquery", 1), ("cassandra", 1)]
    assert run(["get", "gold.daily_user_plays", "--user", "Ada", "--json"]) == 0
    assert [row["play_count"] for row in printed(capsys)] == [1]


@pytest.mark.usefixtures("lake")
def test_rows_are_printed_as_they_are_and_null_is_told_from_text(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["sql", "SELECT '[red]x' AS word, CAST(NULL AS STRING) AS nothing, 1234567 AS number"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "word    nothing     number",
        "[red]x  null     1,234,567",
        "1 row",
    ]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["gold.country_charts", "country=DE"], "needs window_days=…"),
        (["gold.country_charts", "country"], "column=value"),
        (["gold.daily_track_plays", "country=DE"], "is not served"),
        (["gold.nothing"], "There is no table gold.nothing"),
    ],
)
def test_a_wrong_question_needs_no_server_to_be_told(
    capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    assert run(["get", *arguments]) == 1
    assert said in capsys.readouterr().err


def test_a_value_may_hold_an_equals_sign_and_be_empty() -> None:
    assert pairs(["a=b=c", "d="]) == {"a": "b=c", "d": ""}


def test_a_column_given_twice_is_refused() -> None:
    with pytest.raises(InputError, match="twice"):
        pairs(["a=1", "a=2"])
