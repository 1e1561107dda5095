"""A column goes from a declaration through an existing lake to BigQuery and Cassandra, whatever dies on the way."""

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from deltalake import DeltaTable, write_deltalake

from infra.serving_store.reads import read
from infra.settings import REPOSITORY
from jobs.run_lock import run_lock
from schemas import catalog
from schemas.errors import MigrationError
from schemas.silver import PLAYS
from tests.end_to_end.widened import COLUMN, COUNT, REQUIRED, WIDENED
from tonearm.app import run

POINTS = (
    "migrate.marked",
    "migrate.widened",
    "migrate.after_lake",
    "migrate.before_view",
    "migrate.before_serving",
    "migrate.after_stores",
)
FEW = ("migrate.after_stores",)
"""The last one: by then everything is done but the saying so."""


def later(made: Any, *command: str, failpoint: str = "", **more: str) -> subprocess.CompletedProcess[str]:
    """A command of the later Tonearm, on this deployment."""
    return subprocess.run(
        [sys.executable, "-m", "tests.end_to_end.widened", *command],
        cwd=REPOSITORY,
        env=made.environment(failpoint) | more,
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )


def ran(made: Any, *command: str, **more: str) -> dict[str, Any]:
    done = later(made, *command, "--json", **more)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def to_do(found: dict[str, Any]) -> set[tuple[str, str, str]]:
    return {(one["table"], one["place"], one["about"]) for one in found["changes"] if one["verdict"] == "migrate"}


def at_home(made: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the command line of this process work on a deployment."""
    for name, value in made.environment().items():
        monkeypatch.setenv(name, value)


def seen(made: Any) -> dict[str, Any]:
    """All that readers see but for the column, which the views may show already."""
    analysed = {
        name: sorted(repr({key: value for key, value in row.items() if key != COLUMN}) for row in made.analysed(name))
        for name in WIDENED
    }
    return analysed | {"days": made.served_days(), "chart": made.served_chart()}


@pytest.fixture(scope="module")
def nothing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An export without rows."""
    folder = tmp_path_factory.mktemp("nothing")
    (folder / "StreamingHistory0.json").write_text("[]")
    return folder


# A process for each step, one after the other: on a busy machine each takes its time to start.
@pytest.mark.timeout(900)
@pytest.mark.parametrize("points", [FEW, pytest.param(POINTS, marks=pytest.mark.nightly)], ids=["few", "every"])
def test_a_column_goes_through_the_lake_to_both_stores_though_killed_at_each_step(
    points: tuple[str, ...], deployment: Callable[..., Any], undisturbed: Any, export: Path, nothing: Path
) -> None:
    made = deployment(like=undisturbed, own_topic=False)
    made.run()
    before = seen(made)
    rerun = ("run", "--once", "--input", str(nothing))

    stopped = later(made, *rerun)
    assert stopped.returncode == 1
    assert "is of earlier declarations (gold.daily_user_plays mean_ms, gold.country_charts mean_ms)" in stopped.stderr
    assert "run `tonearm migrate`, then the same command again." in stopped.stderr

    versions = made.versions()
    planned = ran(made, "migrate", "--dry-run")
    everywhere = {(name, place, COLUMN) for name in WIDENED for place in ("lake", "bigquery", "cassandra")}
    assert to_do(planned) == everywhere
    assert (planned["migrated"], made.versions()) == (False, versions)

    for point in points:
        killed = later(made, "migrate", failpoint=point)
        assert killed.returncode == -signal.SIGKILL, (point, killed.stderr)
        assert seen(made) == before, point
    versions = made.versions()
    again = ran(made, "migrate")
    assert (again["migrated"], to_do(again), made.versions()) == (True, set(), versions)

    report = ran(made, *rerun)

    assert report["balance"]["adds_up"]
    for name, table in WIDENED.items():
        assert DeltaTable(made.lake.path(table)).protocol()[:2] == (1, 2)
        rows = made.lake.rows(table).to_pylist()
        assert rows
        assert [row[COLUMN] for row in rows] == [row["played_ms"] // row[COUNT[name]] for row in rows]
        analysed = made.analysed(name)
        assert [list(row) for row in analysed[:1]] == [[field.name for field in table.fields]]
        assert sorted(row[COLUMN] for row in analysed) == sorted(row[COLUMN] for row in rows)
        assert made.lake.digest(catalog.table(name)) == undisturbed.lake.digest(catalog.table(name))
    days = read(made.settings, made.endpoints, WIDENED["gold.daily_user_plays"], {"user_id": made.user_id}, 1_000)
    assert [day[COLUMN] for day in days] == [day["played_ms"] // day["playback_count"] for day in days]
    chart = read(
        made.settings, made.endpoints, WIDENED["gold.country_charts"], {"country": "ZZ", "window_days": "28"}, 1_000
    )
    assert [row[COLUMN] for row in chart] == [row["played_ms"] // row["play_count"] for row in chart]

    # To a version from before the column: it is null again in what is served.
    assert later(made, "rollback", "gold.country_charts").returncode == 0
    assert made.served_chart() == before["chart"]


def test_a_change_that_cannot_be_made_is_refused_and_nothing_is(
    deployment: Callable[..., Any], undisturbed: Any, nothing: Path
) -> None:
    versions = undisturbed.versions()
    refused = later(undisturbed, "migrate", "--json", **{REQUIRED: "1"})
    assert refused.returncode == 1
    assert "gold.daily_user_plays, lake: field added, required (mean_ms)" in refused.stderr
    assert "declare it nullable" in refused.stderr
    assert not json.loads(refused.stdout)["migrated"]
    assert undisturbed.versions() == versions
    assert to_do(ran(undisturbed, "migrate", "--dry-run")) >= {("gold.daily_user_plays", "bigquery", COLUMN)}

    stopped = later(undisturbed, "run", "--once", "--input", str(nothing), **{REQUIRED: "1"})
    assert (stopped.returncode, "field added, required" in stopped.stderr) == (1, True)


def test_a_migration_waits_for_no_run(
    undisturbed: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    at_home(undisturbed, monkeypatch)
    with run_lock(undisturbed.settings.home):
        assert run(["migrate"]) == 1
        assert "Another run is at work" in capsys.readouterr().err
        assert run(["migrate", "--dry-run"]) == 0


def test_a_lake_from_before_version_2_of_the_event_goes_on(
    deployment: Callable[..., Any],
    undisturbed: Any,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Silver as version 1 had it: without the fields of version 2."""
    made = deployment(like=undisturbed, own_topic=False)
    made.run()
    path = made.lake.path(PLAYS)
    rows = made.lake.rows(PLAYS).drop_columns(["shuffle", "private_session"])
    shutil.rmtree(path)
    write_deltalake(path, rows, partition_by=["event_date"], name=PLAYS.full_name, description=PLAYS.description)
    with pytest.raises(MigrationError, match=r"\(silver.plays shuffle, silver.plays private_session\)"):
        made.run()

    at_home(made, monkeypatch)
    capsys.readouterr()
    assert run(["migrate"]) == 0
    assert capsys.readouterr().out.count("migrated") == 2
    again = made.run()

    assert again.sheet.adds_up
    assert made.served() == undisturbed.served()
    assert {name: made.digests()[name] for name in made.digests() if name != "silver.plays"} == {
        name: undisturbed.digests()[name] for name in undisturbed.digests() if name != "silver.plays"
    }
    assert {row["shuffle"] for row in made.rows("silver.plays")} == {None}
