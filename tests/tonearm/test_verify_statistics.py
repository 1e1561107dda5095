"""`tonearm verify` of the statistics: they are compared where they are computed, and never left out in silence."""

import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import write_deltalake

from infra.lake import Lake
from playback.arrow import arrow_schema
from playback.simulator.log import LOG
from schemas import area_statistics, eras, statistics, year_in_music
from schemas.bronze import DEAD_LETTERS
from schemas.gold import COUNTRY_CHARTS, DAILY_TRACK_PLAYS, DAILY_USER_PLAYS, EVENT_BALANCE
from schemas.model import Table
from schemas.music_catalogue import CATALOGUE_ENTRIES, CATALOGUE_ROWS, TRACK_FACTS
from schemas.silver import DUPLICATES
from tonearm.app import run
from truth.answers import STATISTICS, write_answers

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
TABLES = tuple(
    one for one in (*statistics.TABLES, *area_statistics.TABLES, *eras.TABLES, *year_in_music.TABLES) if one.is_derived
)
CATALOGUE = (CATALOGUE_ROWS, CATALOGUE_ENTRIES, TRACK_FACTS)
PLAYBACK = {
    "message_number": 0,
    "user_id": "secret",
    "occurred_at": NOON,
    "utc_offset_minutes": 60,
    "country": "DE",
    "track_id": "uri:1",
    "artist_name": "Poolside",
    "album_title": "Pacific",
    "content_type": "track",
    "outcome": "play",
    "ms_played": 30_000,
}
OF_THE_LAKE = {"input_positions": "{}", "as_known_at": NOON, "topic_id": "t", "topic": "events", "hour": NOON}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with the key of one playback and no lake."""
    monkeypatch.setenv("TONEARM_HOME", str(tmp_path / "home"))
    folder = tmp_path / "home" / "truth"
    folder.mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist([PLAYBACK], schema=LOG), folder / "log.parquet")
    write_key(tmp_path / "home", with_statistics=True)
    return tmp_path / "home"


def write_key(home: Path, with_statistics: bool) -> None:
    write_answers(home / "truth", statistics=with_statistics)
    key = {"subject": "s", "messages": 1, "interrupted": False, "complete": True}
    # those that were written before there were any statistics say nothing of them
    (home / "truth" / "key.json").write_text(json.dumps(key | ({"statistics": True} if with_statistics else {})))


@pytest.fixture
def write_lake(home: Path) -> Callable[..., None]:
    """A function that writes a lake that is what the key says, but that one table lacks a row."""

    def written(short: Table | None = None) -> None:
        lake = Lake(home / "lake")
        for table in (DAILY_TRACK_PLAYS, DAILY_USER_PLAYS, COUNTRY_CHARTS, EVENT_BALANCE, *TABLES):
            lake.create(table)
            rows = pq.read_table(home / "truth" / f"{table.full_name}.parquet").to_pylist()
            full = [OF_THE_LAKE | row for row in (rows[1:] if table is short else rows)]
            schema = arrow_schema(table.stored_fields)
            write_deltalake(lake.path(table), pa.Table.from_pylist(full, schema=schema), mode="append")
        for table in (DEAD_LETTERS, DUPLICATES, *CATALOGUE):
            lake.create(table)

    return written


def verified(capsys: pytest.CaptureFixture[str]) -> dict[str, bool]:
    run(["verify", "--json"])
    return {one["table"]: one["equal"] for one in map(json.loads, capsys.readouterr().out.splitlines())}


def test_every_statistic_is_compared(write_lake: Callable[..., None], capsys: pytest.CaptureFixture[str]) -> None:
    write_lake()
    found = verified(capsys)
    assert {table.full_name for table in TABLES} < set(found)
    assert set(found.values()) == {True}


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_a_statistic_that_differs_is_named_and_no_one_else_is(
    write_lake: Callable[..., None], capsys: pytest.CaptureFixture[str], table: Table
) -> None:
    write_lake(table)
    assert [name for name, equal in verified(capsys).items() if not equal] == [table.full_name]
    assert run(["verify"]) == 1
    assert "secret" not in "".join(capsys.readouterr())


def test_a_statistic_that_was_not_computed_is_missing(
    home: Path, write_lake: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    write_lake()
    shutil.rmtree(home / "lake" / "gold" / "daily_charts")
    assert run(["verify"]) == 75
    assert "gold.daily_charts is not in the lake" in capsys.readouterr().err


def test_an_answer_that_is_gone_makes_the_key_unfinished(
    home: Path, write_lake: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    write_lake()
    (home / "truth" / "gold.daily_charts.parquet").unlink()
    assert run(["verify"]) == 75
    assert "was not finished" in capsys.readouterr().err


def test_a_key_without_statistics_does_not_do_where_they_are_computed(
    home: Path, write_lake: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    write_lake()
    write_key(home, with_statistics=False)
    assert run(["verify"]) == 75
    assert "has no statistics: run `tonearm simulate` again" in capsys.readouterr().err


@pytest.mark.parametrize("with_statistics", [True, False])
def test_where_they_are_not_computed_the_others_are_compared(
    home: Path,
    write_lake: Callable[..., None],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    with_statistics: bool,
) -> None:
    write_lake()
    for table in TABLES:
        shutil.rmtree(home / "lake" / table.layer / table.name)
    write_key(home, with_statistics)
    monkeypatch.setenv("TONEARM_STATISTICS", "false")
    others = (DAILY_TRACK_PLAYS, DAILY_USER_PLAYS, COUNTRY_CHARTS, EVENT_BALANCE, DEAD_LETTERS, DUPLICATES, *CATALOGUE)
    assert verified(capsys) == {table.full_name: True for table in others}


def test_answers_have_the_declared_columns(home: Path) -> None:
    assert set(STATISTICS) == {table.full_name for table in TABLES}
    found = {table: pq.read_schema(home / "truth" / f"{table.full_name}.parquet").names for table in TABLES}
    assert found == {table: [field.name for field in table.fields] for table in TABLES}
