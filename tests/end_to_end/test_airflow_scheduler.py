"""The daily DAG by Airflow's own scheduler, and Airflow's own backfill of a date, on the real local stack."""

import json
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest
from deltalake import write_deltalake

from infra.local.airflow import Airflow, airflow_environment, local_airflow
from infra.local.setup.toolchain import Toolchain
from schemas import catalog

# Three runs of the DAG, one after the other: a quarter of an hour on a busy machine.
pytestmark = [pytest.mark.nightly, pytest.mark.timeout(3600)]
PLAYS = catalog.table("silver.plays")
DAY = date(2022, 1, 3)
PATIENCE = 1500.0


@pytest.fixture(scope="module")
def made(deployment: Callable[..., Any], undisturbed: Any) -> Any:
    """A deployment that reads the same topic and knows the same listeners, on which nothing has run."""
    return deployment(like=undisturbed, own_topic=False)


@pytest.fixture(scope="module")
def running(made: Any) -> Iterator[Airflow]:
    """An Airflow of that deployment: tasks inherit where it is from the environment of Airflow."""
    toolchain = Toolchain.from_environment()
    if not toolchain.airflow_python.exists():
        pytest.skip("Airflow is not set up: `python3 -m infra.local.setup airflow` does it")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in made.environment().items():
            patch.setenv(name, value)
        settings = made.settings.model_copy(update={"toolchain": toolchain.root})
        with local_airflow(settings, lambda *_: None) as airflow:
            yield airflow


class Api:
    """Airflow's REST API, with the login that it prints."""

    def __init__(self, running: Airflow) -> None:
        self._url = running.url
        self._token = ""
        login = {"username": running.user, "password": running.password}
        self._token = self.ask("POST", "/auth/token", login)["access_token"]

    def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        headers = {"Content-Type": "application/json"}
        headers |= {"Authorization": f"Bearer {self._token}"} if self._token else {}
        data = None if body is None else json.dumps(body).encode()
        asked = urllib.request.Request(f"{self._url}{path}", data, headers, method=method)
        with urllib.request.urlopen(asked, timeout=300) as answer:
            return json.load(answer)

    def runs(self) -> dict[str, dict[str, Any]]:
        found = self.ask("GET", "/api/v2/dags/tonearm_daily/dagRuns")["dag_runs"]
        return {one["dag_run_id"]: one for one in found}

    def wait(self, run_type: str, count: int) -> list[dict[str, Any]]:
        """Until so many runs of a type have ended well."""
        deadline = time.monotonic() + PATIENCE
        while True:
            runs = [one for one in self.runs().values() if one["run_type"] == run_type]
            assert not [one for one in runs if one["state"] == "failed"], runs
            if sum(one["state"] == "success" for one in runs) >= count:
                return runs
            assert time.monotonic() < deadline, runs
            time.sleep(2)


@pytest.fixture(scope="module")
def api(running: Airflow) -> Api:
    return Api(running)


@pytest.fixture(scope="module")
def triggered(api: Api) -> list[dict[str, Any]]:
    """The daily DAG, unpaused and triggered by hand; ends when that run has."""
    now = datetime.now(UTC).isoformat()
    api.ask("POST", "/api/v2/dags/tonearm_daily/dagRuns", {"logical_date": now})
    api.ask("PATCH", "/api/v2/dags/tonearm_daily", {"is_paused": False})
    return api.wait("manual", 1)


def test_a_run_that_is_triggered_makes_what_a_run_makes(triggered: Any, made: Any, undisturbed: Any) -> None:
    assert made.digests() == undisturbed.digests()
    assert made.served() == undisturbed.served()


def test_a_backfill_by_airflow_computes_its_date_again_and_all_that_reads_it(
    triggered: Any, made: Any, undisturbed: Any, api: Api
) -> None:
    wrong = made.lake.rows(PLAYS, partitions=[DAY])
    wrong = wrong.set_column(wrong.column_names.index("country"), "country", [["SE"] * wrong.num_rows])
    write_deltalake(made.lake.path(PLAYS), wrong, mode="overwrite", predicate=f"event_date = '{DAY}'")
    assert made.digests() != undisturbed.digests()

    program = Toolchain.from_environment().airflow_python.with_name("airflow")
    words = ["--dag-id", "tonearm_daily", "--from-date", f"{DAY}", "--to-date", f"{DAY}T23:59:59"]
    environment = made.environment() | airflow_environment(made.settings, port=0)
    command = [program, "backfill", "create", *words]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    runs = api.wait("backfill", 1)

    assert [one["logical_date"][:10] for one in runs] == [str(DAY)]
    assert made.digests() == undisturbed.digests()
    assert made.served() == undisturbed.served()
