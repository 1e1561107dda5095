"""`tonearm sql`: what it says of a service of one's own, and empty answers of the BigQuery stand-in."""

import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from google.auth.credentials import AnonymousCredentials

from infra.identity import Identities
from infra.settings import Settings
from infra.warehouse.client import warehouse
from infra.warehouse.tables import create_tables, create_view
from infra.warehouse.views import create_period_view
from schemas.statistics import LISTENER_PERIODS
from schemas.views import VIEWS
from tests.infra.warehouse.dry_run_service import ASKED, STATISTICS, served
from tonearm.app import run

COLUMNS = "period_kind, playback_count"


@pytest.fixture
def own_service(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A BigQuery of one's own, with credentials; Ada is a listener."""
    credentials = AnonymousCredentials()  # type: ignore[no-untyped-call]
    monkeypatch.setattr("google.auth.default", lambda **_: (credentials, "p"))
    monkeypatch.setenv("TONEARM_BIGQUERY_PROJECT", "p")
    Identities(home).pseudonym("Ada")
    with served() as address:
        monkeypatch.setenv("TONEARM_BIGQUERY_ENDPOINT", address)
        yield


@pytest.fixture
def dataset(stack: Any, monkeypatch: pytest.MonkeyPatch) -> str:
    """The gold dataset of the stand-in: one listener's all time in `listener_periods`, and the view over it."""
    prefix = f"q{uuid.uuid4().hex[:8]}_"
    monkeypatch.setenv("TONEARM_HOME", str(stack.settings.home))
    monkeypatch.setenv("TONEARM_BIGQUERY_DATASET_PREFIX", prefix)
    stand_ins = {"string": "'x'", "long": "1", "date": "DATE '1970-01-01'", "timestamp": "CURRENT_TIMESTAMP()"}
    given = {"period_kind": "'all_time'", "publish_number": "1", "delta_version": "0"}
    row = {field.name: stand_ins[field.type] for field in LISTENER_PERIODS.stored_fields} | given
    with warehouse(Settings(), stack.endpoints) as house:
        create_tables(house, LISTENER_PERIODS)
        create_view(house, LISTENER_PERIODS)
        create_period_view(house, next(view for view in VIEWS if view.of is LISTENER_PERIODS))
        path = house.path(LISTENER_PERIODS, "listener_periods_v1")
        house.run(f"INSERT INTO `{path}` ({', '.join(row)}) VALUES ({', '.join(row.values())})")
    return f"{prefix}gold"


@pytest.mark.usefixtures("own_service")
def test_a_dry_run_on_a_service_of_ones_own_says_the_bytes_and_asks_for_no_rows(
    capsys: pytest.CaptureFixture[str], home: Path
) -> None:
    STATISTICS["totalBytesProcessed"] = "1610612736"
    arguments = ["sql", "SELECT 1 FROM gold.listener_tops WHERE user_id = @user_id", "--user", "Ada", "--dry-run"]

    said = [(run(words), capsys.readouterr()) for words in (arguments, [*arguments, "--json"])]

    assert [(status, streams.out) for status, streams in said] == [
        (0, "The statement is in order and would read 1,610,612,736 bytes (1.500 GiB).\n"),
        (0, '{"bytes": 1610612736}\n'),
    ]
    assert [asked["configuration"]["dryRun"] for _, asked in ASKED] == [True, True]
    [bound] = ASKED[0][1]["configuration"]["query"]["queryParameters"]
    assert bound["parameterValue"] == {"value": Identities(home).find("Ada")}


@pytest.mark.usefixtures("own_service")
def test_a_service_of_ones_own_that_does_not_say_the_bytes_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["sql", "BEGIN SELECT 1; END", "--dry-run"]) == 0
    assert capsys.readouterr().out == ("The statement is in order, but how much it would read BigQuery cannot tell.\n")


def answered(capsys: pytest.CaptureFixture[str], *words: str) -> list[Any]:
    assert run(["sql", *words, "--json"]) == 0
    said = capsys.readouterr()
    assert said.err == ""
    return [json.loads(line) for line in said.out.splitlines()]


def test_a_range_that_does_not_exist_is_an_empty_answer(capsys: pytest.CaptureFixture[str], dataset: str) -> None:
    table = f"SELECT {COLUMNS} FROM {dataset}.listener_periods WHERE period_kind = "
    view = f"SELECT {COLUMNS} FROM {dataset}.this_listener_periods WHERE period_range = "

    assert answered(capsys, f"{table}'all_time'") == [{"period_kind": "all_time", "playback_count": 1}]
    assert answered(capsys, f"{table}'decade'") == []
    assert answered(capsys, f"{view}'this_decade'") == []
    assert answered(capsys, f"{view}'this_week'") == []


def test_a_view_of_a_range_that_does_not_exist_is_one_sentence(
    capsys: pytest.CaptureFixture[str], dataset: str
) -> None:
    assert run(["sql", f"SELECT 1 FROM {dataset}.this_decade"]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("BigQuery refuses the query: ")
    assert "this_decade" in said.err


def test_a_registered_listener_without_any_rows_is_an_empty_answer(
    capsys: pytest.CaptureFixture[str], dataset: str
) -> None:
    Identities(Settings().home).pseudonym("Nobody yet")
    statement = f"SELECT {COLUMNS} FROM {dataset}.listener_periods WHERE user_id = @user_id"

    assert answered(capsys, statement, "--user", "Nobody yet") == []
    assert run(["sql", statement, "--user", "Nobody yet"]) == 0
    assert [line.split() for line in capsys.readouterr().out.splitlines()] == [COLUMNS.split(", "), ["0", "rows"]]
