"""The daily DAG, run by Airflow on the real local stack, makes and publishes what a run does."""

import os
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from infra.local.setup.toolchain import Toolchain
from infra.settings import REPOSITORY

# A process for each task, with libraries and an engine of its own: nearly all of it is their start.
pytestmark = pytest.mark.timeout(1800)


@pytest.fixture(scope="module")
def scheduled(deployment: Callable[..., Any], undisturbed: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A deployment that reads the same topic and knows the same listeners, on which the daily DAG has run."""
    airflow = Toolchain.from_environment().airflow_python
    if not airflow.exists():
        if "CI" in os.environ:
            pytest.fail("Airflow is not set up: run `make test`, which does it.", pytrace=False)
        pytest.skip("Airflow is not set up: `python3 -m infra.local.setup airflow` does it")
    made = deployment(like=undisturbed, own_topic=False)
    folder = str(REPOSITORY / "dags")
    environment = made.environment() | {
        "AIRFLOW_HOME": str(tmp_path_factory.mktemp("airflow")),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_FOLDER": folder,
        "PYTHONPATH": str(REPOSITORY),
    }
    migrate = [airflow.with_name("airflow"), "db", "migrate"]
    subprocess.run(migrate, env=environment, check=True, capture_output=True)
    script = REPOSITORY / "tests" / "dags" / "run_dag.py"
    command = [airflow, script, folder, "tonearm_daily"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert "ENDED success" in done.stdout, (done.stdout + done.stderr)[-4000:]
    print(done.stdout[done.stdout.index("ENDED") :])
    return made


def test_the_tables_are_those_of_a_run(scheduled: Any, undisturbed: Any) -> None:
    assert scheduled.digests() == undisturbed.digests()


def test_readers_see_what_they_see_after_a_run(scheduled: Any, undisturbed: Any) -> None:
    assert scheduled.served() == undisturbed.served()


def test_the_site_is_there(scheduled: Any) -> None:
    assert (scheduled.settings.home / "docs" / "index.html").exists()
