"""A server goes away under the live pipeline while events come: nothing is lost, and what is behind catches up."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pipelines.supervisor import Supervisor, live_pipeline
from tests.end_to_end.faults.live_tally import LiveTally
from tests.end_to_end.faults.servers import Server
from tests.end_to_end.live_pipeline import BOUNDS, OPTIONS, REGISTERED, Pipeline, key, pipeline_of
from tests.end_to_end.live_pipeline import counts as counts_of
from tests.end_to_end.live_service import Service
from tests.end_to_end.live_truth import truth

pytestmark = [pytest.mark.nightly, pytest.mark.timeout(1_200)]

PATIENCE_SECONDS = 400.0


@pytest.fixture(scope="module")
def tally(tell: Callable[[object], None]) -> Iterator[LiveTally]:
    tally = LiveTally("live, a server away")
    yield tally
    tell(tally)


@pytest.mark.parametrize(
    ("name", "how", "seconds"),
    [
        pytest.param("kafka", "killed", 20, id="Kafka killed"),
        pytest.param("kafka", "stopped", 20, id="Kafka stopped"),
        pytest.param("kafka", "frozen", 30, id="Kafka frozen"),
        pytest.param("cassandra", "killed", 60, id="Cassandra killed"),
        pytest.param("bigquery", "killed", 60, id="BigQuery killed"),
    ],
)
def test_what_is_away_is_waited_for_and_nothing_is_lost(
    name: str, how: str, seconds: float,
    stack: Any, deployment: Callable[..., Any], tmp_path: Path, tally: LiveTally,
) -> None:  # fmt: skip
    """Where a store is away, it is the same life all the while."""
    server = Server(stack.settings, name)
    with pipeline_of(deployment(), tmp_path / "live.log") as pipeline:
        with (
            Service(*pipeline.topic, rate=400, seed=6, registered=REGISTERED) as service,
            live_pipeline(pipeline.made.settings, OPTIONS) as supervisor,
        ):
            wait_for_marker(pipeline, supervisor, 0)
            away(server, how, seconds)
            wait_for_marker(pipeline, supervisor, time.time_ns() // 1_000)
            service.stop()
            wait_for_marker(pipeline, supervisor, time.time_ns() // 1_000 + BOUNDS.ahead + BOUNDS.window)
        found, expected = pipeline.says(), truth(*pipeline.topic, service.sent, BOUNDS)
        analysed = {key(row): counts_of(row) for row in pipeline.made.analysed("live.minute_track_plays")}
    tally.add(f"{name} {how}", 1, supervisor.lives, found, expected)
    assert found == expected
    assert analysed == expected.cells
    assert supervisor.failure == ""
    assert supervisor.lives == 1 or name == "kafka"


def away(server: Server, how: str, seconds: float) -> None:
    """The server is killed, stopped or frozen, and back after a time."""
    {"killed": server.kill, "stopped": server.stop, "frozen": server.freeze}[how]()
    time.sleep(seconds)
    back = server.thaw if how == "frozen" else server.start
    back()


def wait_for_marker(pipeline: Pipeline, supervisor: Supervisor, past_us: int) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    log = pipeline.made.settings.home / "logs" / "live.log"
    while pipeline.marker_us <= past_us:
        assert not supervisor.ended, supervisor.failure
        assert time.monotonic() < deadline, log.read_text()[-3_000:]
        time.sleep(0.2)
