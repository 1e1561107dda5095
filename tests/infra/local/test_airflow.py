"""The local Airflow: it comes up on loopback alone, knows the DAGs, lets its user in, and leaves no process behind."""

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from infra.local.airflow import Airflow, local_airflow
from infra.local.setup.toolchain import Toolchain
from infra.settings import Settings
from schemas.errors import ConfigurationError

pytestmark = [pytest.mark.nightly, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Airflow]:
    toolchain = Toolchain.from_environment()
    if not toolchain.airflow_python.exists():
        pytest.skip("Airflow is not set up: `python3 -m infra.local.setup airflow` does it")
    settings = Settings(home=tmp_path_factory.mktemp("home"), toolchain=toolchain.root)
    with local_airflow(settings, lambda _what, _step: None) as airflow:
        yield airflow
    assert not [process for process in airflow.processes if process.poll() is None]


def asked(url: str, token: str = "", body: dict[str, str] | None = None) -> Any:
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    data = json.dumps(body).encode() if body else None
    with urllib.request.urlopen(urllib.request.Request(url, data, headers), timeout=30) as answer:
        return json.load(answer)


def test_its_user_sees_the_dags_paused(running: Airflow) -> None:
    login = {"username": running.user, "password": running.password}
    token = asked(f"{running.url}/auth/token", body=login)["access_token"]
    dags = {one["dag_id"]: one["is_paused"] for one in asked(f"{running.url}/api/v2/dags", token)["dags"]}
    names = ("tonearm_backfill", "tonearm_daily", "tonearm_ingest", "tonearm_keep_alive", "tonearm_maintenance")
    assert dags == dict.fromkeys(names, True)


def test_every_port_is_on_loopback(running: Airflow) -> None:
    family = [psutil.Process(one.pid) for one in running.processes]
    family += [child for one in family for child in one.children(recursive=True)]
    listening = [one.laddr for process in family for one in process.net_connections() if one.status == "LISTEN"]
    assert {address.ip for address in listening} == {"127.0.0.1"}


def test_where_it_is_not_set_up_one_sentence_says_so(settings: Settings, tmp_path: Path) -> None:
    bare = settings.model_copy(update={"toolchain": tmp_path})
    with pytest.raises(ConfigurationError, match=r"run `make airflow`"), local_airflow(bare, lambda *_: None):
        pass
