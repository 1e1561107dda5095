"""Airflow has an environment of its own: tests ask a script that runs there, and get what it prints as JSON."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from infra.local.setup.toolchain import Toolchain
from infra.settings import REPOSITORY

Ask = Callable[..., Any]
FOUND = "FOUND "


@pytest.fixture(scope="session")
def ask_airflow(tmp_path_factory: pytest.TempPathFactory) -> Ask:
    """Run a script of this folder with words and variables, in the environment of Airflow or in that with Google's."""

    def ask(script: str, *words: str | Path, google: bool = False, **variables: str) -> Any:
        toolchain = Toolchain.from_environment()
        python = toolchain.airflow_google_python if google else toolchain.airflow_python
        part = "airflow-google" if google else "airflow"
        if not python.exists():
            if "CI" in os.environ:
                pytest.fail(f"`python3 -m infra.local.setup {part}` was not run; `make` does it.", pytrace=False)
            pytest.skip(f"Airflow is not set up: `python3 -m infra.local.setup {part}` does it")
        own = {
            "AIRFLOW_HOME": str(tmp_path_factory.mktemp("airflow")),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "PYTHONPATH": os.pathsep.join((str(REPOSITORY), str(REPOSITORY / "dags"))),
        }
        command = [python, Path(__file__).with_name(script), *words]
        done = subprocess.run(command, env=os.environ | own | variables, capture_output=True, text=True, check=False)
        lines = [line for line in done.stdout.splitlines() if line.startswith(FOUND)]
        assert lines, done.stderr[-3000:]
        return json.loads(lines[0].removeprefix(FOUND))

    return ask
