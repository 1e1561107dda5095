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


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What Airflow finds in `dags/`, and in a folder with a DAG that does not import."""
    python = Toolchain.from_environment().airflow_python
    if not python.exists():
        if "CI" in os.environ:
            pytest.fail("Airflow is not set up: run `make test`, which does it.", pytrace=False)
        pytest.skip("Airflow is not set up: `python3 -m infra.local.setup airflow` does it")
    home = tmp_path_factory.mktemp("airflow")
    (home / "broken").mkdir()
    (home / "broken" / "tonearm_broken.py").write_text("from airflow.sdk import DAG\nraise ValueError('broken')\n")
    environment = os.environ | {"AIRFLOW_HOME": str(home), "PYTHONPATH": str(REPOSITORY)}
    environment |= {"AIRFLOW__CORE__LOAD_EXAMPLES": "False"}
    words = [python, Path(__file__).with_name("inspect_dags.py"), REPOSITORY / "dags", home / "broken"]
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
    lines = [line for line in done.stdout.splitlines() if line.startswith("FOUND ")]
    assert lines, done.stderr[-2000:]
    answer: list[dict[str, Any]] = json.loads(lines[0].removeprefix("FOUND "))
    return answer


@pytest.fixture
def found(both: list[dict[str, Any]]) -> dict[str, Any]:
    return both[0]


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


def test_a_dag_that_does_not_import_would_be_found(both: list[dict[str, Any]]) -> None:
    assert "broken" in str(both[1]["errors"])
