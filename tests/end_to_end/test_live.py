"""The live pipeline on Prism with real Kafka and Cassandra: exact against the topic, however often it is killed."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator

import pytest
from confluent_kafka import Producer

from infra.openlineage_events import LIVE_EVENTS, edges, stored_events
from infra.serving_store.live_runs import begin_live_run, read_live_run
from infra.serving_store.reads import read
from pipelines.supervisor import live_pipeline
from schemas import catalog
from schemas.errors import StoreUnavailableError, SupersededError
from schemas.live import COUNTRY_CHARTS, FATES
from tests.end_to_end.conftest import Deployment
from tests.end_to_end.faults.live_tally import LiveTally
from tests.end_to_end.live_pipeline import BOUNDS, KILLS, REGISTERED, VELOCITY, Pipeline, counts, key, pipeline_of
from tests.end_to_end.live_poison import fates_of, letters_in_table, letters_of, letters_on_topic, send_poison
from tests.end_to_end.live_service import Service
from tests.end_to_end.live_truth import Truth, charts, truth
from tests.poison.corpus import CORPUS
from tonearm.live_comparison import compare


@pytest.fixture(scope="module")
def pipeline(deployment: Callable[..., Deployment], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    with pipeline_of(deployment(), tmp_path_factory.mktemp("live") / "live.log") as found:
        yield found


@pytest.fixture(scope="module")
def expected(pipeline: Pipeline) -> Truth:
    """What the tables must say, after lives that were killed at chosen points while events came, and one to the end."""
    made = pipeline.made
    bootstrap, topic = made.endpoints.kafka_bootstrap, made.settings.playback_topic
    with Service(bootstrap, topic, rate=400, seed=1, registered=REGISTERED) as service:
        for failpoint in KILLS:
            life = pipeline.start(failpoint)
            assert life.wait(300) == -9, pipeline.log.read_text()[-2_000:]
        killed_at = pipeline.marker_us
        pipeline.finish(service)
    assert 0 < killed_at < pipeline.marker_us
    found = truth(bootstrap, topic, service.sent, BOUNDS)
    assert all(found.total(fate) > 10 for fate in FATES)
    return found


# Seven lives of the pipeline, of ten seconds each where nothing else runs.
@pytest.mark.timeout(1_200)
def test_killed_at_chosen_points_nothing_is_lost_and_nothing_doubled(
    expected: Truth, pipeline: Pipeline, tell: Callable[[object], None]
) -> None:
    found, tally = pipeline.says(), LiveTally("live, killed at chosen points")
    tally.add("chosen points", len(KILLS), len(KILLS) + 1, found, expected)
    tell(tally)
    assert found.cells == expected.cells
    assert found.letters == expected.letters
    assert found.fates == expected.fates


def test_sessions_stand_as_the_log_says_however_often_it_was_killed(expected: Truth, pipeline: Pipeline) -> None:
    found = pipeline.says().sessions
    assert found == expected.sessions
    starts = {(user, started) for (_, user), (_, _, started, *_) in found.items()}
    assert len(starts) > len({user for user, _ in starts}), "a session ended while the pipeline was killed and started"
    assert any(drift for *_, drift in found.values())


def test_analysts_see_the_same_cells(expected: Truth, pipeline: Pipeline) -> None:
    rows = pipeline.made.analysed("live.minute_track_plays")
    assert {key(row): counts(row) for row in rows} == expected.cells


def test_velocity_of_listeners_devices_and_tracks_is_that_of_the_log(expected: Truth, pipeline: Pipeline) -> None:
    found = pipeline.says().velocity
    assert found == expected.velocity
    assert {table for table, *_ in found} == set(VELOCITY)
    assert any(distinct > 1 for (table, *_), (*_, distinct) in found.items() if table == "minute_device_plays")


def test_charts_are_the_sums_of_the_closed_cells(expected: Truth, pipeline: Pipeline) -> None:
    """The test takes less than an hour, so that both charts are of all cells."""
    assert pipeline.charts() == charts(expected.cells)
    key = {"country": "DE", "window_hours": "24"}
    found = read(pipeline.made.settings, pipeline.made.endpoints, COUNTRY_CHARTS, key)
    assert [(row["play_count"], row["track_id"]) for row in found] == charts(expected.cells)["DE", 24]


def test_lineage_leads_from_the_topic_to_every_live_table(expected: Truth, pipeline: Pipeline) -> None:
    """Also of lives that were killed."""
    told = stored_events(pipeline.made.settings.home, LIVE_EVENTS)
    topic = pipeline.made.settings.playback_topic
    live = {name: one for name, one in catalog.tables().items() if one.is_live}
    assert edges(told) == {(source, name) for name, one in live.items() for source in one.inputs or (topic,)}
    assert sum(event["eventType"] == "START" for event in told) == len(live) * (len(KILLS) + 1)


def test_live_and_batch_differ_by_what_is_late_or_beyond_the_horizon_or_ahead(
    expected: Truth, pipeline: Pipeline
) -> None:
    made = pipeline.made
    made.run()
    found = compare(made.settings, made.endpoints)
    rows = found.rows.to_pylist()
    assert found.unexplained == 0
    assert sum(row["live_play_count"] for row in rows) == sum(plays for plays, _, _ in expected.cells.values())
    assert sum(row["live_skip_count"] for row in rows) == sum(skips for _, skips, _ in expected.cells.values())
    assert all(sum(row[f"{why}_play_count"] for row in rows) > 0 for why in ("late", "ahead"))
    assert sorted(map(repr, rows)) == sorted(map(repr, made.analysed("live.batch_differences")))


@pytest.fixture(scope="module")
def later(expected: Truth, pipeline: Pipeline) -> Iterator["subprocess.Popen[bytes]"]:
    """A life after those that `expected` is about."""
    life = pipeline.start_and_hear()
    yield life
    life.kill()
    life.wait(30)


@pytest.mark.timeout(600)
def test_poison_of_every_kind_is_dead_or_counted_and_ends_no_life(
    later: "subprocess.Popen[bytes]", pipeline: Pipeline
) -> None:
    before = fates_of(pipeline)
    poisoned = send_poison(pipeline, good=2_000, doses=len(CORPUS), blocks=4)
    pipeline.wait(lambda: (fates_of(pipeline) - before).total() >= poisoned.fates.total(), later)
    assert fates_of(pipeline) - before == poisoned.fates
    letters = {place: letter for place, letter in letters_of(poisoned).items() if place in poisoned.unframed}
    # Fates are written before letters, some of which are large, and these go to the topic last.
    pipeline.wait(lambda: len(letters_on_topic(pipeline, poisoned.unframed)) >= len(letters), later)
    assert letters_in_table(pipeline, poisoned.unframed) == letters
    assert letters_on_topic(pipeline, poisoned.unframed) == letters


@pytest.mark.timeout(600)
def test_an_overtaken_pipeline_ends_and_says_so(
    expected: Truth, later: "subprocess.Popen[bytes]", pipeline: Pipeline
) -> None:
    first = later
    run = read_live_run(pipeline.serving, pipeline.topic_id)
    try:
        pipeline.wait_for_marker(pipeline.marker_us, first)
        assert begin_live_run(pipeline.serving, pipeline.topic_id).number > (run.number if run else 0)
        assert first.wait(300) == SupersededError.exit_status
    finally:
        first.kill()
    told = stored_events(pipeline.made.settings.home, LIVE_EVENTS)
    (sentence,) = {one["run"]["facets"]["errorMessage"]["message"] for one in told if one["eventType"] == "FAIL"}
    assert sentence.startswith("A later live pipeline runs on this topic")
    assert "A later live pipeline runs on this topic" in pipeline.log.read_text().strip().splitlines()[-1]
    assert pipeline.says().cells == expected.cells


@pytest.mark.nightly
@pytest.mark.timeout(600)
def test_a_registry_that_is_away_ends_the_life_and_the_next_one_judges(expected: Truth, pipeline: Pipeline) -> None:
    made = pipeline.made
    producer = Producer({"bootstrap.servers": made.endpoints.kafka_bootstrap})
    pipeline.registry.broken = 503
    producer.produce(made.settings.playback_topic, payload := b"\x00\x00\x00\x07\x07", partition=0)
    assert producer.flush(30) == 0
    life = pipeline.start()
    try:
        assert life.wait(300) == StoreUnavailableError.exit_status
    finally:
        life.kill()
    assert "schema registry answers with status 503" in pipeline.log.read_text()
    assert payload not in pipeline.says().letters.values()
    pipeline.registry.broken = 0
    life = pipeline.start()
    try:
        pipeline.wait_for_marker(time.time_ns() // 1_000, life)
    finally:
        life.kill()
        life.wait(30)
    assert [row["reason"] for row in pipeline.rows("dead_letters") if row["payload"] == payload] == [
        "unknown_schema_id"
    ]
    assert pipeline.says().cells == expected.cells


@pytest.mark.nightly
@pytest.mark.timeout(900)
def test_a_life_that_is_killed_is_followed_by_another(expected: Truth, pipeline: Pipeline) -> None:
    options = [*BOUNDS.options, "--flush_seconds=0.5", "--bigquery_seconds=0"]
    with live_pipeline(pipeline.made.settings, options) as supervisor:
        for _ in range(2):
            before, deadline = pipeline.marker_us, time.monotonic() + 300
            while pipeline.marker_us <= before:
                assert time.monotonic() < deadline
                time.sleep(0.2)
            life = supervisor.lives
            assert supervisor.pid is not None
            os.kill(supervisor.pid, signal.SIGKILL)
            while supervisor.lives == life:
                assert time.monotonic() < deadline
                time.sleep(0.2)
    assert supervisor.lives >= 3
    assert supervisor.failure == ""
    assert pipeline.says().cells == expected.cells
