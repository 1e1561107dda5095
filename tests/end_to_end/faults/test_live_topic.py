"""What happens to the topic under the live pipeline: it is not there, it gets partitions, it is made again."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewPartitions

from infra.kafka.topics import ensure_playback_topic
from pipelines.supervisor import live_pipeline
from schemas.errors import MissingInputError
from tests.end_to_end.faults.live_tally import LiveTally
from tests.end_to_end.live_pipeline import BOUNDS, OPTIONS, REGISTERED, Pipeline, pipeline_of
from tests.end_to_end.live_service import Service
from tests.end_to_end.live_truth import Truth, truth

pytestmark = [pytest.mark.nightly, pytest.mark.timeout(900)]


@pytest.fixture
def pipeline(deployment: Callable[..., Any], tmp_path: Path) -> Any:
    with pipeline_of(deployment(), tmp_path / "live.log") as found:
        yield found


def delete(pipeline: Pipeline) -> None:
    bootstrap, topic = pipeline.topic
    admin = AdminClient({"bootstrap.servers": bootstrap})
    admin.delete_topics([topic], operation_timeout=30)[topic].result()
    while topic in admin.list_topics(timeout=10).topics:
        time.sleep(0.1)


def test_a_topic_that_is_not_there_is_one_sentence(pipeline: Pipeline) -> None:
    delete(pipeline)
    life = pipeline.start()
    assert life.wait(120) == MissingInputError.exit_status
    said = pipeline.log.read_text().strip().splitlines()[-1]
    assert said.startswith(f"There is no topic {pipeline.topic[1]} yet: send it something with")


def test_a_listener_s_repeats_in_a_partition_that_was_added_count_once(
    pipeline: Pipeline, tell: Callable[[object], None]
) -> None:
    """Clients that know of the new partitions send listeners elsewhere than those before, repeats of theirs too."""
    bootstrap, topic = pipeline.topic
    tally = LiveTally("live, partitions added")
    life = pipeline.start()
    try:
        with Service(bootstrap, topic, rate=400, seed=1, registered=REGISTERED) as before:
            pipeline.wait_for_marker(time.time_ns() // 1_000 - BOUNDS.window, life)
            admin = AdminClient({"bootstrap.servers": bootstrap})
            count = len(admin.list_topics(topic, timeout=10).topics[topic].partitions)
            admin.create_partitions([NewPartitions(topic, 2 * count)])[topic].result()
            with Service(bootstrap, topic, rate=400, seed=2, registered=REGISTERED) as after:
                after.repeat(before)
                pipeline.wait_for_marker(time.time_ns() // 1_000, life)
        pipeline.wait_for_marker(time.time_ns() // 1_000 + BOUNDS.ahead + BOUNDS.window, life)
        assert life.poll() is None
    finally:
        life.kill()
        life.wait(30)
    found, expected = pipeline.says(), truth(bootstrap, topic, before.sent | after.sent, BOUNDS)
    tally.add(f"{count} and {count} more", 1, 1, found, expected)
    tell(tally)
    assert {partition for _, partition in expected.fates} == set(range(2 * count))
    assert found == expected


def test_a_topic_that_is_made_again_is_read_from_its_beginning_and_its_rows_win(pipeline: Pipeline) -> None:
    """The supervisor's next life finds it; tables have what the old one said of windows that the new one has not."""
    bootstrap, topic = pipeline.topic
    with live_pipeline(pipeline.made.settings, OPTIONS) as supervisor:
        with Service(bootstrap, topic, rate=400, seed=1, registered=REGISTERED):
            wait(lambda: pipeline.marker_us > 0)
        delete(pipeline)
        pipeline.topic_id = ensure_playback_topic(pipeline.made.settings, bootstrap)
        with Service(bootstrap, topic, rate=400, seed=2, registered=REGISTERED) as service:
            wait(lambda: pipeline.marker_us > 0)
        until_us = time.time_ns() // 1_000 + BOUNDS.ahead + BOUNDS.window
        wait(lambda: pipeline.marker_us > until_us)
    assert supervisor.lives > 1
    expected = truth(bootstrap, topic, service.sent, BOUNDS)
    assert expected.total("accepted") > 100
    assert covered(pipeline.says(), expected) == expected


def covered(found: Truth, expected: Truth) -> Truth:
    """Of what was found the rows that the expected ones would stand in the place of."""
    return Truth(
        {cell: found.cells.get(cell, (0, 0, 0)) for cell in expected.cells},
        {place: found.fates.get(place, {}) for place in expected.fates},
        {place: found.letters.get(place) for place in expected.letters},
        {place: found.sessions[place] for place in expected.sessions},
        {place: found.velocity[place] for place in expected.velocity},
    )


def wait(what: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 300
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.2)
