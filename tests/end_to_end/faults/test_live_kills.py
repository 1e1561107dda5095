"""The live pipeline against the topic: ten services that nobody disturbs, and one whose pipeline is killed 25 times."""

import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.faults.live_tally import LiveTally
from tests.end_to_end.live_pipeline import BOUNDS, KILLS, REGISTERED, Pipeline, pipeline_of
from tests.end_to_end.live_service import Service
from tests.end_to_end.live_truth import charts, truth

pytestmark = [pytest.mark.nightly, pytest.mark.timeout(3_600)]

SEEDS = range(10)
CHOSEN, AT_RANDOM = KILLS * 3, 7
START_SECONDS, WORK_SECONDS = 8.0, 6.0
"""Within which a life is killed: after it was started, and after it first said something."""


@pytest.fixture(scope="module")
def undisturbed_tally(tell: Callable[[object], None]) -> Iterator[LiveTally]:
    tally = LiveTally("live, undisturbed")
    yield tally
    tell(tally)


@pytest.mark.parametrize("seed", SEEDS)
def test_every_count_is_that_of_the_topic(
    seed: int, deployment: Callable[..., Any], tmp_path: Path, undisturbed_tally: LiveTally
) -> None:
    with pipeline_of(deployment(), tmp_path / "live.log") as pipeline:
        with Service(*pipeline.topic, rate=1_000, seed=seed, registered=REGISTERED) as service:
            life = pipeline.start()
            try:
                pipeline.wait_for_marker(time.time_ns() // 1_000 + BOUNDS.window, life)
                service.stop()
                pipeline.wait_for_marker(time.time_ns() // 1_000 + BOUNDS.ahead + BOUNDS.window, life)
            finally:
                life.kill()
                life.wait(30)
        found, expected = pipeline.says(), truth(*pipeline.topic, service.sent, BOUNDS)
    undisturbed_tally.add(f"seed {seed}", 0, 1, found, expected)
    assert expected.total("accepted") > 1_000
    assert found == expected


def test_killed_25_times_nothing_is_lost_and_nothing_doubled(
    deployment: Callable[..., Any], tmp_path: Path, tell: Callable[[object], None]
) -> None:
    """Eighteen times at chosen points, seven times at random, while the service goes on; then one life to the end."""
    chance, tally = random.Random(25), LiveTally("live, killed")
    with pipeline_of(deployment(), tmp_path / "live.log") as pipeline:
        with Service(*pipeline.topic, rate=400, seed=25, registered=REGISTERED) as service:
            for failpoint in CHOSEN:
                life = pipeline.start(failpoint)
                assert life.wait(300) == -9, pipeline.log.read_text()[-2_000:]
            for number in range(AT_RANDOM):
                kill_at_random(pipeline, chance, at_work=bool(number % 2))
            pipeline.finish(service)
        found, expected = pipeline.says(), truth(*pipeline.topic, service.sent, BOUNDS)
        charted = pipeline.charts()
    tally.add("25 kills", len(CHOSEN) + AT_RANDOM, len(CHOSEN) + AT_RANDOM + 1, found, expected)
    tell(tally)
    assert found == expected
    assert charted == charts(expected.cells)


def kill_at_random(pipeline: Pipeline, chance: random.Random, at_work: bool) -> None:
    """Start a life and kill it, within seconds of its start or of its first word."""
    life = pipeline.start_and_hear() if at_work else pipeline.start()
    time.sleep(chance.uniform(0, WORK_SECONDS if at_work else START_SECONDS))
    assert life.poll() is None, pipeline.log.read_text()[-2_000:]
    life.kill()
    assert life.wait(30) == -9
