"""The live pipeline on Prism with real Kafka and Cassandra: exact against the topic, however often it is killed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer

from infra.kafka.topics import ensure_playback_topic
from infra.openlineage_events import LIVE_EVENTS, edges, stored_events
from infra.serving_store.live_runs import begin_live_run, read_live_run
from infra.serving_store.reads import read
from infra.serving_store.rows import plain
from infra.serving_store.session import ServingSession, serving_session
from infra.settings import REPOSITORY
from pipelines.progress import read_progress
from pipelines.supervisor import live_pipeline
from schemas import catalog
from schemas.errors import StoreUnavailableError, SupersededError
from schemas.events import RELEASED
from schemas.live import COUNTRY_CHARTS, FATES
from tests.end_to_end.conftest import Deployment
from tests.end_to_end.live_truth import SECOND, Bounds, Cell, Service, Standing, Truth, truth
from tests.registry import Registry, started_registry
from tonearm.live_comparison import compare

BOUNDS = Bounds()
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
KILLS = ("live.before_rows", "live.after_rows", "live.after_bigquery", "live.before_marker", "live.after_marker")
"""In the middle of a batch; between the stores; between a write and its marker, as a window closes; behind it."""


@dataclass
class Pipeline:
    """The live pipeline of one deployment; each start is a life of it."""

    made: Deployment
    serving: ServingSession
    topic_id: str
    log: Path
    registry: Registry

    def start(self, failpoint: str = "") -> "subprocess.Popen[bytes]":
        words = [
            sys.executable,
            "-m",
            "pipelines",
            "live",
            *BOUNDS.options,
            "--flush_seconds=0.5",
            "--bigquery_seconds=2",
        ]
        with self.log.open("ab") as log:
            env = self.made.environment(failpoint) | {"TONEARM_SCHEMA_REGISTRY_URL": self.registry.url}
            return subprocess.Popen(words, cwd=REPOSITORY, env=env, stdout=log, stderr=log)

    @property
    def marker_us(self) -> int:
        run = read_live_run(self.serving, self.topic_id)
        return run.marker_us if run else 0

    def wait_for_marker(self, past_us: int, life: "subprocess.Popen[bytes]", seconds: float = 300) -> None:
        deadline = time.monotonic() + seconds
        while self.marker_us <= past_us:
            assert life.poll() is None, self.log.read_text()[-2_000:]
            assert time.monotonic() < deadline, self.log.read_text()[-2_000:]
            time.sleep(0.2)

    def rows(self, table: str) -> list[dict[str, Any]]:
        found = self.serving.rows(f'SELECT * FROM "{self.serving.keyspace}".live_{table}')
        return [{name: plain(value) for name, value in row.items()} for row in found]

    def says(self) -> Truth:
        """What the live tables hold."""
        cells = {_key(row): _counts(row) for row in self.rows("minute_track_plays")}
        fates = {
            (_us(row["appended_minute"]), row["partition"]): {fate: row[fate] for fate in FATES if row[fate]}
            for row in self.rows("minute_records")
        }
        letters = {(row["partition"], row["offset"]): row["payload"] for row in self.rows("dead_letters")}
        sessions = {
            (_us(row["window_start"]), row["user_id"]): _standing(row) for row in self.rows("minute_user_sessions")
        }
        return Truth(cells, fates, letters, sessions)


def _key(row: dict[str, Any]) -> Cell:
    return _us(row["window_start"]), row["country"], row["track_id"]


def _counts(row: dict[str, Any]) -> tuple[int, int, int]:
    return row["play_count"], row["skip_count"], row["listener_count"]


def _standing(row: dict[str, Any]) -> Standing:
    ended, started = (
        (row[name] - EPOCH) // timedelta(milliseconds=1) for name in ("last_occurred_at", "session_started_at")
    )
    counts = (row["playback_count"], row["play_count"], row["skip_count"], row["skips_in_a_row"])
    return row["last_track_id"], ended, started, *counts, row["taste_drift_permille"]


def _us(moment: datetime) -> int:
    return int((moment - EPOCH).total_seconds()) * SECOND


@pytest.fixture(scope="module")
def pipeline(deployment: Callable[..., Deployment], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    made = deployment()
    topic_id = ensure_playback_topic(made.settings, made.endpoints.kafka_bootstrap)
    with serving_session(made.settings, made.endpoints) as serving, started_registry() as registry:
        for schema_id, event in enumerate(RELEASED, start=1):
            registry.register(schema_id, event)
        named = made.settings.model_copy(update={"schema_registry_url": registry.url})
        made = replace(made, settings=named)
        yield Pipeline(made, serving, topic_id, tmp_path_factory.mktemp("live") / "live.log", registry)


@pytest.fixture(scope="module")
def expected(pipeline: Pipeline) -> Truth:
    """What the tables must say, after lives that were killed at chosen points while events came, and one to the end."""
    made = pipeline.made
    bootstrap, topic = made.endpoints.kafka_bootstrap, made.settings.playback_topic
    registered = {event: schema_id for schema_id, event in enumerate(RELEASED, start=1)}
    with Service(bootstrap, topic, rate=400, seed=1, registered=registered) as service:
        for failpoint in KILLS:
            life = pipeline.start(failpoint)
            assert life.wait(300) == -9, pipeline.log.read_text()[-2_000:]
        killed_at = pipeline.marker_us
        life = pipeline.start()
        try:
            service.stop()
            pipeline.wait_for_marker(time.time_ns() // 1_000 + BOUNDS.ahead + BOUNDS.window, life)
        finally:
            life.kill()
            life.wait(30)
    assert 0 < killed_at < pipeline.marker_us
    found = truth(bootstrap, topic, service.sent, BOUNDS)
    assert all(found.total(fate) > 10 for fate in FATES)
    return found


# Six lives of the pipeline, of ten seconds each where nothing else runs.
@pytest.mark.timeout(1_200)
def test_killed_at_chosen_points_nothing_is_lost_and_nothing_doubled(expected: Truth, pipeline: Pipeline) -> None:
    found = pipeline.says()
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
    assert {_key(row): _counts(row) for row in rows} == expected.cells


def test_charts_are_the_sums_of_the_closed_cells(expected: Truth, pipeline: Pipeline) -> None:
    """The test takes less than an hour, so that both charts are of all cells."""
    sums: dict[tuple[str, str], int] = {}
    for (_, country, track), (plays, _, _) in expected.cells.items():
        sums[country, track] = sums.get((country, track), 0) + plays
    for country in ("DE", "SE", "US", "ZZ"):
        ranked = sorted((-plays, track) for (where, track), plays in sums.items() if where == country and plays)
        for hours in (1, 24):
            key = {"country": country, "window_hours": str(hours)}
            found = read(pipeline.made.settings, pipeline.made.endpoints, COUNTRY_CHARTS, key)
            assert [(-row["play_count"], row["track_id"]) for row in found] == ranked[:100]


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
    said = read_progress(made.settings.home)
    assert said is not None
    made.run()
    found = compare(made.settings, made.endpoints, said)
    rows = found.rows.to_pylist()
    assert found.unexplained == 0
    assert sum(row["live_play_count"] for row in rows) == sum(plays for plays, _, _ in expected.cells.values())
    assert sum(row["live_skip_count"] for row in rows) == sum(skips for _, skips, _ in expected.cells.values())
    assert all(sum(row[f"{why}_play_count"] for row in rows) > 0 for why in ("late", "ahead"))
    assert sorted(map(repr, rows)) == sorted(map(repr, made.analysed("live.batch_differences")))


@pytest.mark.timeout(600)
def test_an_overtaken_pipeline_ends_and_says_so(expected: Truth, pipeline: Pipeline) -> None:
    first = pipeline.start()
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
            before, life = pipeline.marker_us, supervisor.lives
            deadline = time.monotonic() + 300
            while pipeline.marker_us <= before or supervisor.lives <= life - 1:
                assert time.monotonic() < deadline
                time.sleep(0.2)
            assert supervisor.pid is not None
            os.kill(supervisor.pid, signal.SIGKILL)
            while supervisor.lives == life:
                assert time.monotonic() < deadline
                time.sleep(0.2)
    assert supervisor.lives >= 3
    assert supervisor.failure == ""
    assert pipeline.says().cells == expected.cells
