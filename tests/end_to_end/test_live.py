"""The live pipeline on Prism with real Kafka and Cassandra: exact against the topic, however often it is killed."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from infra.kafka.topics import ensure_playback_topic
from infra.serving_store.live_runs import read_live_run
from infra.serving_store.rows import plain
from infra.serving_store.session import ServingSession, serving_session
from infra.settings import REPOSITORY
from schemas.live import FATES
from tests.end_to_end.conftest import Deployment
from tests.end_to_end.live_truth import SECOND, Bounds, Service, Truth, truth

BOUNDS = Bounds()
KILLS = ("live.before_rows", "live.after_rows", "live.after_bigquery", "live.before_marker", "live.after_marker")
"""In the middle of a batch; between the stores; between a write and its marker, as a window closes; behind it."""


@dataclass
class Pipeline:
    """The live pipeline of one deployment; each start is a life of it."""

    made: Deployment
    serving: ServingSession
    topic_id: str
    log: Path

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
            env = self.made.environment(failpoint)
            return subprocess.Popen(words, cwd=REPOSITORY, env=env, stdout=log, stderr=log)

    @property
    def marker_us(self) -> int:
        run = read_live_run(self.serving, self.topic_id)
        return run.marker_us if run else 0

    def wait_for_marker(self, past_us: int, life: "subprocess.Popen[bytes]", seconds: float = 90) -> None:
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
        cells = {
            (_us(row["window_start"]), row["country"], row["track_id"]): (
                row["play_count"],
                row["skip_count"],
                row["listener_count"],
            )
            for row in self.rows("minute_track_plays")
        }
        fates = {
            (_us(row["appended_minute"]), row["partition"]): {fate: row[fate] for fate in FATES if row[fate]}
            for row in self.rows("minute_records")
        }
        letters = {(row["partition"], row["offset"]): row["payload"] for row in self.rows("dead_letters")}
        return Truth(cells, fates, letters)


def _us(moment: datetime) -> int:
    return int((moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds()) * SECOND


@pytest.fixture
def pipeline(deployment: Callable[..., Deployment], tmp_path: Path) -> Iterator[Pipeline]:
    made = deployment()
    topic_id = ensure_playback_topic(made.settings, made.endpoints.kafka_bootstrap)
    with serving_session(made.settings, made.endpoints) as serving:
        yield Pipeline(made, serving, topic_id, tmp_path / "live.log")


def run_to_end(pipeline: Pipeline, service: Service) -> None:
    """Let one more life read all that there is, and close its windows."""
    life = pipeline.start()
    try:
        service.stop()
        pipeline.wait_for_marker(time.time_ns() // 1_000 + BOUNDS.ahead + BOUNDS.window, life)
    finally:
        life.terminate()
        life.wait(30)


@pytest.mark.timeout(400)
def test_killed_at_chosen_points_nothing_is_lost_and_nothing_doubled(pipeline: Pipeline) -> None:
    made = pipeline.made
    bootstrap, topic = made.endpoints.kafka_bootstrap, made.settings.playback_topic
    with Service(bootstrap, topic, rate=400, seed=1) as service:
        for failpoint in KILLS:
            life = pipeline.start(failpoint)
            assert life.wait(120) == -9, pipeline.log.read_text()[-2_000:]
        markers = pipeline.marker_us
        run_to_end(pipeline, service)
    assert 0 < markers < pipeline.marker_us
    expected, found = truth(bootstrap, topic, service.sent, BOUNDS), pipeline.says()
    assert all(expected.total(fate) > 10 for fate in FATES)
    assert found.cells == expected.cells
    assert found.letters == expected.letters
    assert found.fates == expected.fates
    analysed = {
        (_us(row["window_start"]), row["country"], row["track_id"]): (
            row["play_count"],
            row["skip_count"],
            row["listener_count"],
        )
        for row in made.analysed("live.minute_track_plays")
    }
    assert analysed == expected.cells
