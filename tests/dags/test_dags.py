"""The DAGs as Airflow's scheduler sees them: they import, fast, and say what the catalogue says."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.local.setup.toolchain import Toolchain
from infra.settings import REPOSITORY
from schemas.render.tasks import daily_tasks

DAGS = sorted(path.stem for path in (REPOSITORY / "dags").glob("tonearm_*.py") if path.stem != "tonearm_operators")


@pytest.fixture(scope="session")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What Airflow finds in `dags/`, in its own environment."""
    return inspected(REPOSITORY / "dags", tmp_path_factory.mktemp("airflow"))


def inspected(dags: Path, home: Path) -> dict[str, Any]:
    python = Toolchain.from_environment().airflow_python
    if not python.exists():
        if "CI" in os.environ:
            pytest.fail("Airflow is not set up: run `make test`, which does it.", pytrace=False)
        pytest.skip("Airflow is not set up: `python3 -m infra.local.setup airflow` does it")
    environment = os.environ | {"AIRFLOW_HOME": str(home), "PYTHONPATH": str(REPOSITORY)}
    environment |= {"AIRFLOW__CORE__LOAD_EXAMPLES": "False", "AIRFLOW__CORE__DAGS_FOLDER": str(dags)}
    script = Path(__file__).with_name("inspect_dags.py")
    done = subprocess.run([python, script, dags], env=environment, capture_output=True, text=True, check=False)
    lines = [line for line in done.stdout.splitlines() if line.startswith("FOUND ")]
    assert lines, done.stderr[-2000:]
    answer: dict[str, Any] = json.loads(lines[0].removeprefix("FOUND "))
    return answer


def tasks(found: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for dag in found["dags"].values():
        yield from dag["tasks"].values()


def test_every_file_has_its_dag_and_none_fails_to_import(found: dict[str, Any]) -> None:
    assert found["errors"] == {}
    assert sorted(found["dags"]) == DAGS


def test_the_daily_dag_is_the_catalogues(found: dict[str, Any]) -> None:
    daily = found["dags"]["tonearm_daily"]["tasks"]
    assert {
        name: (tuple(one["words"]), tuple(one["after"]), one["owner"], one["doc"], tuple(one["outlets"]))
        for name, one in daily.items()
    } == {
        one.task_id: (one.words, tuple(sorted(one.after)), one.owner, one.doc, tuple(sorted(one.writes)))
        for one in daily_tasks()
    }


def test_runs_do_not_meet_and_nothing_is_caught_up(found: dict[str, Any]) -> None:
    for dag in found["dags"].values():
        assert (dag["catchup"], dag["max_active_runs"]) == (False, 1)
        assert dag["doc"]
    assert {one["pool"] for one in tasks(found)} == {"tonearm"}


def test_every_task_has_a_time_limit_and_is_tried_again(found: dict[str, Any]) -> None:
    for one in tasks(found):
        assert 0 < one["timeout"] <= 7200
        assert one["retries"] == 3


def test_the_site_is_built_whatever_became_of_the_others(found: dict[str, Any]) -> None:
    triggers = {name: one["trigger"] for name, one in found["dags"]["tonearm_daily"]["tasks"].items()}
    assert triggers.pop("docs") == "all_done"
    assert set(triggers.values()) == {"all_success"}


def test_a_dag_that_does_not_import_would_be_found(tmp_path: Path) -> None:
    (tmp_path / "dags").mkdir()
    (tmp_path / "dags" / "tonearm_broken.py").write_text("from airflow.sdk import DAG\nraise ValueError('broken')\n")
    assert "broken" in str(inspected(tmp_path / "dags", tmp_path)["errors"])
