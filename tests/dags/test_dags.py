"""The DAGs as Airflow's scheduler sees them: they import, fast, and say what the catalogue says."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.settings import REPOSITORY
from schemas.render.tasks import daily_tasks, tables_by_date
from tests.dags.conftest import Ask

DAGS = sorted(path.stem for path in (REPOSITORY / "dags").glob("tonearm_*.py") if path.stem != "tonearm_operators")


@pytest.fixture(scope="module")
def both(ask_airflow: Ask, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What Airflow finds in `dags/`, and in a folder with a DAG that does not import."""
    broken = tmp_path_factory.mktemp("broken")
    (broken / "tonearm_broken.py").write_text("from airflow.sdk import DAG\nraise ValueError('broken')\n")
    found: list[dict[str, Any]] = ask_airflow("inspect_dags.py", REPOSITORY / "dags", broken)
    return found


@pytest.fixture
def found(both: list[dict[str, Any]]) -> dict[str, Any]:
    return both[0]


def tasks(found: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for dag in found["dags"].values():
        yield from dag["tasks"].values()


def test_every_file_has_its_dag_and_none_fails_to_import(found: dict[str, Any]) -> None:
    assert found["errors"] == {}
    assert sorted(found["dags"]) == DAGS
    assert sorted(found["seconds"]) == [f"{name}.py" for name in DAGS]


def test_a_local_deployment_imports_no_provider_of_another(found: dict[str, Any]) -> None:
    operators = ("airflow.providers.cncf.kubernetes.operators", "airflow.providers.google", "airflow.providers.apache")
    assert not [name for name in found["modules"] if name.startswith(operators)]
    assert {name for name in found["modules"] if name.startswith("tonearm_deployments.")} == {
        "tonearm_deployments.by_run",
        "tonearm_deployments.local",
    }


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
        assert dag["tags"] == ["tonearm"]
        assert dag["start"] == "2000-01-01T00:00:00+00:00"
    assert {name: dag["schedule"] for name, dag in found["dags"].items()} == {
        "tonearm_backfill": "None",
        "tonearm_daily": "0 3 * * *",
        "tonearm_ingest": "@hourly",
        "tonearm_keep_alive": "*/5 * * * *",
        "tonearm_maintenance": "0 5 * * *",
        "tonearm_statistics": "0 4 * * *",
    }


def test_what_writes_the_lake_takes_turns_and_the_keep_alive_waits_for_nobody(found: dict[str, Any]) -> None:
    keep_alive = found["dags"]["tonearm_keep_alive"]["tasks"]["keep_alive"]
    assert keep_alive["pool"] == "default_pool"
    assert keep_alive["words"] == ["keep-alive"]
    assert {one["pool"] for one in tasks(found) if one is not keep_alive} == {"tonearm"}


def test_every_task_has_a_time_limit_and_is_tried_again(found: dict[str, Any]) -> None:
    for one in tasks(found):
        assert 0 < one["timeout"] <= 24 * 3600
        assert one["retries"] == 3


def test_the_site_is_built_whatever_became_of_the_others(found: dict[str, Any]) -> None:
    triggers = {name: one["trigger"] for name, one in found["dags"]["tonearm_daily"]["tasks"].items()}
    assert triggers.pop("docs") == "all_done"
    assert set(triggers.values()) == {"all_success"}


def test_a_backfill_by_hand_asks_for_a_table_by_date_and_its_dates(found: dict[str, Any]) -> None:
    dag = found["dags"]["tonearm_backfill"]
    assert set(dag["params"]) == {"table", "first", "last", "downstream"}
    assert dag["params"]["table"] in tables_by_date()
    assert set(dag["tasks"]["backfill"]["outlets"]) == set(tables_by_date())


def test_a_dag_that_does_not_import_would_be_found(both: list[dict[str, Any]]) -> None:
    assert "broken" in str(both[1]["errors"])


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({"TONEARM_DEPLOYMENT": "moon"}, "There is no deployment moon: set TONEARM_DEPLOYMENT to one of local,"),
        ({"TONEARM_DEPLOYMENT": "kubernetes"}, "TONEARM_DEPLOYMENT=kubernetes needs TONEARM_IMAGE"),
        ({"TONEARM_DEPLOYMENT": "google"}, "needs providers that this Airflow lacks: install those of requirements/"),
    ],
    ids=lambda one: one["TONEARM_DEPLOYMENT"] if isinstance(one, dict) else "",
)
def test_a_wrong_deployment_is_one_sentence_for_every_dag(
    ask_airflow: Ask, variables: dict[str, str], sentence: str, tmp_path: Path
) -> None:
    found = ask_airflow("inspect_dags.py", REPOSITORY / "dags", **variables)[0]
    assert len(found["errors"]) == len(DAGS)
    assert all(sentence in said for said in found["errors"].values())
