"""Live equals batch on the simulator: a history with every fault that a service has, then events of the moment."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from infra.settings import REPOSITORY
from tests.end_to_end.conftest import Deployment
from tests.end_to_end.live_pipeline import BOUNDS, Pipeline, pipeline_of
from tonearm.live_comparison import compare

LIVE_RECORDS = 500
"""Accepted ones to wait for, of the events of the moment: those of the history are too late."""


@pytest.mark.timeout(600)
def test_live_equals_batch_on_the_simulator(deployment: Callable[..., Deployment], tmp_path: Path) -> None:
    made = deployment()
    with pipeline_of(made, tmp_path / "live.log") as pipeline:
        life = pipeline.start_and_hear()
        simulator = simulate(made)
        try:
            pipeline.wait(lambda: counted(pipeline, "accepted") > LIVE_RECORDS, life)
            simulator.send_signal(signal.SIGINT)
            simulator.wait(120)
            pipeline.wait_for_marker(time.time_ns() // 1_000 + BOUNDS.ahead + BOUNDS.window, life)
        finally:
            simulator.kill()
            life.kill()
            life.wait(30)
        fates = {fate: counted(pipeline, fate) for fate in ("accepted", "late", "beyond_horizon", "dead_letter")}
    assert made.run().sheet.adds_up
    found = compare(made.settings, made.endpoints)
    assert found.unexplained == 0
    assert sum(row["live_play_count"] for row in found.rows.to_pylist()) > 100
    assert all(fates.values()), fates


def simulate(made: Deployment) -> "subprocess.Popen[bytes]":
    """Six days of history, of which the first four are beyond the horizon, and then 150 events a second."""
    words = ["simulate", "--events", "2000", "--days", "6", "--chaos", "--live", "150"]
    return subprocess.Popen([sys.executable, "-m", "tonearm", *words], cwd=REPOSITORY, env=made.environment())


def counted(pipeline: Pipeline, fate: str) -> int:
    return sum(row[fate] for row in pipeline.rows("minute_records"))
