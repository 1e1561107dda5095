"""How the operator takes an exit status: runs in Airflow's environment, against commands that really end so."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from infra.local.setup.toolchain import Toolchain
from infra.settings import REPOSITORY

SCRIPT = """
import sys
from airflow.sdk.exceptions import AirflowException, AirflowFailException
from tonearm_operators import TonearmOperator
try:
    print("RETURNED", TonearmOperator(task_id="t", words=["words of the task"]).execute({}))
except AirflowFailException as error:
    print("FAILED", error)
except AirflowException as error:
    print("AGAIN", error)
"""


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory):
    """What the operator makes of a command line that prints its words and ends with a status."""
    python = Toolchain.from_environment().airflow_python
    if not python.exists():
        pytest.skip("Airflow is not set up: `python3 -m infra.local.setup airflow` does it")

    def run(status: int) -> str:
        toolchain = tmp_path_factory.mktemp("toolchain")
        command = toolchain / "venv" / "bin" / "tonearm"
        command.parent.mkdir(parents=True)
        command.write_text(f"#!{sys.executable}\nimport sys\nprint(sys.argv[1:])\nsys.exit({status})\n")
        command.chmod(0o755)
        path = os.pathsep.join((str(REPOSITORY), str(REPOSITORY / "dags")))
        environment = os.environ | {"TONEARM_TOOLCHAIN": str(toolchain), "PYTHONPATH": path}
        environment |= {"AIRFLOW_HOME": str(Path(toolchain) / "airflow")}
        done = subprocess.run([python, "-c", SCRIPT], env=environment, capture_output=True, text=True, check=True)
        return done.stdout.splitlines()[-1]

    return run


def test_a_command_that_is_done_returns_its_last_line(ended) -> None:
    assert ended(0) == "RETURNED ['words of the task']"


def test_status_75_is_tried_again_and_any_other_fails_at_once(ended) -> None:
    assert ended(75).startswith("AGAIN Trying again can help")
    assert ended(1) == "FAILED Exit status 1, which a retry does not cure."
