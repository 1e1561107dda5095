"""A live pipeline of a deployment as a test runs it: lives that are started and killed, and what its tables say."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cassandra import InvalidRequest

from infra.kafka.topics import ensure_playback_topic
from infra.serving_store.live_runs import read_live_run
from infra.serving_store.rows import plain
from infra.serving_store.session import ServingSession, serving_session
from infra.settings import REPOSITORY
from pipelines.progress import read_progress
from schemas.errors import StoreUnavailableError
from schemas.events import RELEASED
from schemas.live import FATES
from tests.end_to_end.conftest import Deployment
from tests.end_to_end.live_service import Service
from tests.end_to_end.live_truth import SECOND, Bounds, Cell, Standing, Truth
from tests.registry import Registry, started_registry

BOUNDS = Bounds()
OPTIONS = [*BOUNDS.options, "--flush_seconds=0.5", "--bigquery_seconds=2"]
KILLS = (
    *("live.before_rows", "live.table_written", "live.after_rows", "live.after_bigquery"),
    *("live.before_marker", "live.after_marker"),
)
"""In the middle of a batch; between tables; between the stores; between a write and its marker, as a window closes;
behind it."""
VELOCITY = {
    "minute_user_plays": ("user_id", "track_count"),
    "minute_device_plays": ("device_id", "listener_count"),
    "minute_track_totals": ("track_id", "listener_count"),
}
"""The key of each velocity table beside the window, and what it has that is distinct."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
REGISTERED = {event: schema_id for schema_id, event in enumerate(RELEASED, start=1)}
"""Ids of the released versions in the schema registry."""


@dataclass
class Pipeline:
    """The live pipeline of one deployment; each start is a life of it."""

    made: Deployment
    serving: ServingSession
    topic_id: str
    log: Path
    registry: Registry
    options: Sequence[str] = tuple(OPTIONS)

    @property
    def topic(self) -> tuple[str, str]:
        """Broker and name."""
        return self.made.endpoints.kafka_bootstrap, self.made.settings.playback_topic

    def start(self, failpoint: str = "") -> "subprocess.Popen[bytes]":
        words = [sys.executable, "-m", "pipelines", "live", *self.options]
        with self.log.open("ab") as log:
            env = self.made.environment(failpoint)
            if self.registry.url:
                env |= {"TONEARM_SCHEMA_REGISTRY_URL": self.registry.url}
            return subprocess.Popen(words, cwd=REPOSITORY, env=env, stdout=log, stderr=log)

    def start_and_hear(self) -> "subprocess.Popen[bytes]":
        """A life that has said something."""
        began, life = time.time(), self.start()
        home = self.made.settings.home
        self.wait(lambda: (said := read_progress(home)) is not None and said.at > began, life)
        return life

    @property
    def marker_us(self) -> int:
        """0 where there is none, while its table is being made, and while Cassandra is away."""
        with suppress(InvalidRequest, StoreUnavailableError):
            run = read_live_run(self.serving, self.topic_id)
            return run.marker_us if run else 0
        return 0

    def wait_for_marker(self, past_us: int, life: "subprocess.Popen[bytes]", seconds: float = 300) -> None:
        self.wait(lambda: self.marker_us > past_us, life, seconds)

    def wait(self, what: Callable[[], bool], life: "subprocess.Popen[bytes]", seconds: float = 300) -> None:
        """Wait for something that a life does before it ends."""
        deadline = time.monotonic() + seconds
        while not what():
            assert life.poll() is None, self.log.read_text()[-2_000:]
            assert time.monotonic() < deadline, self.log.read_text()[-2_000:]
            time.sleep(0.2)

    def finish(self, service: Service) -> None:
        """End the service, and let one life count all that is on the topic, and close it."""
        life = self.start()
        try:
            service.stop()
            self.wait_for_marker(time.time_ns() // 1_000 + BOUNDS.ahead + BOUNDS.window, life)
        finally:
            life.kill()
            life.wait(30)

    def rows(self, table: str) -> list[dict[str, Any]]:
        found = self.serving.rows(f'SELECT * FROM "{self.serving.keyspace}".live_{table}')
        return [{name: plain(value) for name, value in row.items()} for row in found]

    def says(self) -> Truth:
        """What the live tables hold."""
        cells = {key(row): counts(row) for row in self.rows("minute_track_plays")}
        fates = {
            (_us(row["appended_minute"]), row["partition"]): {fate: row[fate] for fate in FATES if row[fate]}
            for row in self.rows("minute_records")
        }
        letters = {
            (row["partition"], row["offset"]): row["payload"]
            for row in self.rows("dead_letters")
            if row["topic_id"] == self.topic_id
        }
        sessions = {
            (_us(row["window_start"]), row["user_id"]): _standing(row) for row in self.rows("minute_user_sessions")
        }
        velocity = {
            (table, _us(row["window_start"]), row[key]): (*_playbacks(row), row[distinct])
            for table, (key, distinct) in VELOCITY.items()
            for row in self.rows(table)
        }
        return Truth(cells, fates, letters, sessions, velocity)

    def charts(self) -> dict[tuple[str, int], list[tuple[int, str]]]:
        """What stands on the charts by country and hours: plays and track in the order of positions."""
        found: dict[tuple[str, int], list[tuple[int, str]]] = {}
        for row in sorted(self.rows("country_charts"), key=lambda row: int(row["position"])):
            found.setdefault((row["country"], row["window_hours"]), []).append((row["play_count"], row["track_id"]))
        return found


def key(row: dict[str, Any]) -> Cell:
    return _us(row["window_start"]), row["country"], row["track_id"]


def counts(row: dict[str, Any]) -> tuple[int, int, int]:
    return row["play_count"], row["skip_count"], row["listener_count"]


def _playbacks(row: dict[str, Any]) -> tuple[int, int, int]:
    return row["playback_count"], row["play_count"], row["skip_count"]


def _standing(row: dict[str, Any]) -> Standing:
    ended, started = (
        (row[name] - EPOCH) // timedelta(milliseconds=1) for name in ("last_occurred_at", "session_started_at")
    )
    return row["last_track_id"], ended, started, *_playbacks(row), row["skips_in_a_row"], row["taste_drift_permille"]


def _us(moment: datetime) -> int:
    return int((moment - EPOCH).total_seconds()) * SECOND


@contextmanager
def pipeline_of(made: Deployment, log: Path) -> Iterator[Pipeline]:
    """The pipeline of a deployment, its topic made, with a schema registry; no life of it is started."""
    topic_id = ensure_playback_topic(made.settings, made.endpoints.kafka_bootstrap)
    with serving_session(made.settings, made.endpoints) as serving, started_registry() as registry:
        for event, schema_id in REGISTERED.items():
            registry.register(schema_id, event)
        named = made.settings.model_copy(update={"schema_registry_url": registry.url})
        yield Pipeline(replace(made, settings=named), serving, topic_id, log, registry)
