"""What refuses inside a step of the live pipeline ends its lives, with the sentence: no other life would help."""

import json
import time
from collections.abc import Callable, Iterator

import pytest
from confluent_kafka import Producer

from infra.run_log import LOG
from pipelines.progress import read_progress
from pipelines.supervisor import live_pipeline
from schemas.errors import ConfigurationError
from tests.end_to_end.conftest import Deployment
from tests.end_to_end.live_pipeline import OPTIONS, Pipeline, pipeline_of

UNREAD = b"\x00\x00\x00\x00\x07\x07"
"""In Confluent's framing, under an id that nobody has asked for yet."""
REFUSED = "The schema registry refuses: set TONEARM_SCHEMA_REGISTRY_USER and TONEARM_SCHEMA_REGISTRY_PASSWORD_FILE."


@pytest.fixture
def pipeline(deployment: Callable[..., Deployment], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    with pipeline_of(deployment(), tmp_path_factory.mktemp("refused") / "live.log") as found:
        yield found


@pytest.mark.timeout(600)
@pytest.mark.parametrize("status", [401, pytest.param(403, marks=pytest.mark.nightly)])
def test_a_registry_that_refuses_ends_the_life_and_no_other_begins(status: int, pipeline: Pipeline) -> None:
    bootstrap, topic = pipeline.topic
    with live_pipeline(pipeline.made.settings, OPTIONS) as supervisor:
        home = pipeline.made.settings.home
        wait(lambda: (said := read_progress(home)) is not None and said.caught_up)
        pipeline.registry.broken = status
        producer = Producer({"bootstrap.servers": bootstrap})
        producer.produce(topic, UNREAD, partition=0)
        assert producer.flush(30) == 0
        wait(lambda: supervisor.ended)
        asked = len(pipeline.registry.asked)
        time.sleep(3)
        assert (supervisor.lives, supervisor.failure) == (1, REFUSED)
        assert len(pipeline.registry.asked) == asked
    events = [json.loads(line) for line in (home / LOG).read_text().splitlines()]
    ends = [(one["life"], one["status"]) for one in events if one["event"] == "life ended"]
    assert ends == [(1, ConfigurationError.exit_status)]
    assert pipeline.rows("dead_letters") == [], "what nobody could look up is no dead letter"


def wait(what: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 300
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.2)
