"""The keep-alive with a real pipeline: killed with SIGKILL it lives again, alive it is left alone."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from infra.local.owner import owner_of
from infra.settings import REPOSITORY
from pipelines.keep_alive import stop_detached
from pipelines.progress import read_progress
from pipelines.supervisor import lock_path
from tests.end_to_end.conftest import Deployment

pytestmark = [pytest.mark.nightly, pytest.mark.timeout(900)]
PATIENCE = 300.0


@pytest.fixture
def made(deployment: Callable[..., Deployment], export: Path) -> Iterator[Deployment]:
    made = deployment()
    made.send(export)
    yield made
    stop_detached(made.settings)


def looked(made: Deployment) -> dict[str, Any]:
    words = [sys.executable, "-m", "tonearm", "keep-alive", "--json", "--flush_seconds=0.5", "--bigquery_seconds=0"]
    done = subprocess.run(words, cwd=REPOSITORY, env=made.environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def wait(what: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.5)


def speaks(made: Deployment, after: int = 0) -> bool:
    """Whether a life with a higher number than `after` makes progress."""
    said = read_progress(made.settings.home)
    return bool(said and said.is_recent and said.run_number > after)


def test_a_pipeline_that_was_killed_lives_again_and_a_living_one_is_left_alone(made: Deployment) -> None:
    first = looked(made)
    assert (first["state"], first["started"] is None) == ("dead", False)
    wait(lambda: speaks(made))
    assert looked(made) == {"state": "alive", "started": None}

    said = read_progress(made.settings.home)
    family = [*psutil.Process(first["started"]).children(recursive=True), psutil.Process(first["started"])]
    for process in family:
        os.kill(process.pid, signal.SIGKILL)
    wait(lambda: not speaks(made))

    second = looked(made)
    assert second["state"] == "dead"
    assert second["started"] not in (None, first["started"])
    assert said is not None
    wait(lambda: speaks(made, said.run_number))
    assert looked(made)["state"] == "alive"
    owner = owner_of(lock_path(made.settings.home))
    assert owner is not None
    assert owner.process.pid == second["started"]
    assert stop_detached(made.settings)
    wait(lambda: owner_of(lock_path(made.settings.home)) is None)
