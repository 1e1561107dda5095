"""The live pipeline on a real Flink: the same code and the same answers as the topic gives, a kill included."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pipelines.prism import job_service_options
from tests.end_to_end.conftest import Deployment
from tests.end_to_end.faults.live_tally import LiveTally
from tests.end_to_end.live_pipeline import BOUNDS, OPTIONS, REGISTERED, Pipeline, pipeline_of
from tests.end_to_end.live_service import Service
from tests.end_to_end.live_truth import charts, truth
from tests.end_to_end.local_flink import local_flink

KILLED_AT = "live.before_marker"
"""Between a write and its marker, as a window closes."""

pytestmark = pytest.mark.nightly


@pytest.fixture
def on_flink(deployment: Callable[..., Deployment], tmp_path: Path) -> Iterator[tuple[Pipeline, Path]]:
    made = deployment()
    with pipeline_of(made, tmp_path / "live.log") as found, local_flink(made.settings, tmp_path) as (address, log):
        yield replace(found, options=[*OPTIONS, *job_service_options(address), "--parallelism=1"]), log


@pytest.mark.timeout(1_200)
def test_flink_gives_the_answers_that_the_topic_gives_though_a_life_is_killed(
    on_flink: tuple[Pipeline, Path], tell: Callable[[object], None]
) -> None:
    pipeline, log = on_flink
    with Service(*pipeline.topic, rate=200, seed=1, registered=REGISTERED) as service:
        killed = pipeline.start(KILLED_AT)
        assert killed.wait(600) == -9, pipeline.log.read_text()[-2_000:]
        pipeline.finish(service)

    assert log.read_text().count("Starting Flink Mini Cluster") == 2
    expected, found = truth(*pipeline.topic, service.sent, BOUNDS), pipeline.says()
    tally = LiveTally("live on Flink, killed")
    tally.add(KILLED_AT, 1, 2, found, expected)
    tell(tally)
    assert found == expected
    assert pipeline.charts() == charts(expected.cells)
    assert len(expected.cells) > 100
