"""Somebody changes a table behind Tonearm's back: the sheet or a check says so, and readers see nothing of it."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from deltalake import DeltaTable, write_deltalake

from schemas import catalog
from tonearm.app import run


@pytest.fixture(scope="module")
def made(deployment: Callable[..., Any], undisturbed: Any) -> Any:
    """A deployment that has run on the small export, and may be spoilt."""
    made = deployment(like=undisturbed, own_topic=False)
    assert made.run().sheet.adds_up
    return made


@pytest.fixture(autouse=True)
def in_its_environment(made: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in made.environment().items():
        if name.startswith("TONEARM_"):
            monkeypatch.setenv(name, value)


@pytest.fixture(scope="module")
def nothing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An export without rows."""
    folder = tmp_path_factory.mktemp("nothing")
    (folder / "StreamingHistory0.json").write_text("[]")
    return folder


@contextmanager
def spoilt(made: Any, name: str) -> Iterator[DeltaTable]:
    """The table, to be changed; afterwards it is as it was, and the next run agrees."""
    table = DeltaTable(made.lake.path(catalog.table(name)))
    before = table.version()
    try:
        yield table
    finally:
        table.update_incremental()
        table.restore(before)
    assert made.run().sheet.adds_up


def said_by(nothing: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """The last line of a run that fails."""
    assert run(["run", "--once", "--json", "--input", str(nothing)]) == 1
    return capsys.readouterr().err.splitlines()[-1]


UNBALANCED = "The balance sheet does not add up: see `tonearm report` for the lines that do not."
UNACCOUNTED = re.compile(
    r"gold\.event_balance version \d+ failed 1 check\(s\), nothing after it was run or published: "
    r"1 row\(s\) do not add up, see `tonearm balance`\."
)


def sheet_now(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """What `tonearm balance` shows."""
    assert run(["balance", "--json"]) == 0
    sheet: dict[str, Any] = json.loads(capsys.readouterr().out)
    return sheet


def test_a_record_taken_out_of_the_ledger(
    made: Any, undisturbed: Any, nothing: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with spoilt(made, "bronze.playback_events") as ledger:
        first = min((row["partition"], row["offset"]) for row in made.rows("bronze.playback_events"))
        ledger.delete(f"partition = {first[0]} AND offset = {first[1]}")
        assert UNACCOUNTED.fullmatch(said_by(nothing, capsys))
        sheet = sheet_now(capsys)
        assert (sheet["lost"], sheet["adds_up"]) == (1, False)
        assert made.served() == undisturbed.served()


def test_a_record_that_stands_in_the_ledger_twice(made: Any, nothing: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with spoilt(made, "bronze.playback_events") as ledger:
        write_deltalake(ledger, made.lake.rows(catalog.table("bronze.playback_events")).slice(0, 1), mode="append")
        assert UNACCOUNTED.fullmatch(said_by(nothing, capsys))
        assert not sheet_now(capsys)["adds_up"]


def test_a_row_taken_out_of_silver(made: Any, nothing: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with spoilt(made, "silver.plays") as plays:
        plays.delete(f"event_id = '{made.rows('silver.plays')[0]['event_id']}'")
        assert UNACCOUNTED.fullmatch(said_by(nothing, capsys))


@pytest.mark.parametrize("name", ["gold.daily_track_plays", "gold.daily_user_plays"])
def test_a_count_changed_in_gold(made: Any, nothing: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    with spoilt(made, name) as table:
        table.update({"playback_count": "playback_count + 1"}, predicate="event_date = DATE '2022-01-20'")
        assert said_by(nothing, capsys) == UNBALANCED


@pytest.mark.parametrize("name", ["gold.daily_track_plays", "gold.daily_user_plays", "gold.country_charts"])
def test_a_value_that_a_check_refuses_is_not_published(
    made: Any, undisturbed: Any, nothing: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    with spoilt(made, name) as table:
        table.update({"play_count": "-1"}, predicate="played_ms > 0")
        said = said_by(nothing, capsys)
        assert said.startswith(f"{name} version {table.version()} failed ")
        assert "play_count" in said
        assert made.user_id not in said
        assert made.served() == undisturbed.served()
