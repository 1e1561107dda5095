"""How the operator takes an exit status: runs in Airflow's environment, against commands that really end so."""

import os
import subprocess
import sys

import pytest

from infra.local.setup.toolchain import Toolchain
from infra.settings import REPOSITORY

SCRIPT = """
import os
import sys
from airflow.sdk.exceptions import AirflowException, AirflowFailException
from tonearm_deployments.local import TonearmOperator
for toolchain in sys.argv[1:]:
    os.environ["TONEARM_TOOLCHAIN"] = toolchain
    try:
        print("ENDED RETURNED", TonearmOperator(task_id="t", words=["words of the task"]).execute({}))
    except AirflowFailException as error:
        print("ENDED FAILED", error)
    except AirflowException as error:
        print("ENDED AGAIN", error)
"""
STATUSES = (0, 1, 75)


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> dict[int, str]:
    """What the operator makes of a command line that prints its words and ends with a status, by status."""
    python = Toolchain.from_environment().airflow_python
    if not python.exists():
        pytest.skip("Airflow is not set up: `python3 -m infra.local.setup airflow` does it")
    folder = tmp_path_factory.mktemp("operator")
    for status in STATUSES:
        command = folder / str(status) / "venv" / "bin" / "tonearm"
        command.parent.mkdir(parents=True)
        command.write_text(f"#!{sys.executable}\nimport sys\nprint(sys.argv[1:])\nsys.exit({status})\n")
        command.chmod(0o755)
    path = os.pathsep.join((str(REPOSITORY), str(REPOSITORY / "dags")))
    environment = os.environ | {"PYTHONPATH": path, "AIRFLOW_HOME": str(folder / "airflow")}
    words = [python, "-c", SCRIPT, *(str(folder / str(status)) for status in STATUSES)]
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=True)
    lines = [line.removeprefix("ENDED ") for line in done.stdout.splitlines() if line.startswith("ENDED ")]
    return dict(zip(STATUSES, lines, strict=True))


def test_a_command_that_is_done_returns_its_last_line(ended: dict[int, str]) -> None:
    assert ended[0] == "RETURNED ['words of the task']"


def test_status_75_is_tried_again_and_any_other_fails_at_once(ended: dict[int, str]) -> None:
    assert ended[75] == "AGAIN Trying again can help: ['words of the task']"
    assert ended[1] == "FAILED Exit status 1, which a retry does not cure."
