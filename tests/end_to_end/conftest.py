"""Deployments on the session's stack, each with a home, datasets and a keyspace of its own, and a small export."""

import json
import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from infra import failpoints
from infra.engine import open_session
from infra.identity import Identities
from infra.kafka.manifests import Manifest
from infra.lake import Lake
from infra.local.stack import Endpoints
from infra.serving_store.reads import read
from infra.settings import REPOSITORY, Settings
from infra.warehouse.queries import ask
from jobs.batch import BatchRun, run_batch
from schemas import catalog
from schemas.gold import COUNTRY_CHARTS, DAILY_USER_PLAYS, EVENT_BALANCE
from schemas.model import Table
from schemas.statistics import TAG
from tests.end_to_end.auditing import Auditor, Phones, play_with_losses
from tonearm.commands.import_ import import_path

LISTENER = "Anna"
# The balance counts records: one that is sent twice is in it twice, under the broker's hour and a manifest of its own.
DERIVED = [table for table in catalog.tables().values() if table.is_derived and table is not EVENT_BALANCE]
# Statistics take as long as all the rest of a run: they are computed where they are what a test is about.
STATISTICS = {table.full_name for table in DERIVED if TAG in table.tags}


@dataclass(frozen=True)
class Deployment:
    """Everything of one home: what `tonearm` does there, and what its readers see."""

    settings: Settings
    endpoints: Endpoints

    @property
    def lake(self) -> Lake:
        return Lake(self.settings.lake)

    @property
    def derived(self) -> list[Table]:
        return [one for one in DERIVED if self.settings.statistics or one.full_name not in STATISTICS]

    @property
    def user_id(self) -> str:
        return Identities(self.settings.home).find(LISTENER)

    def send(self, export: Path) -> Manifest:
        return import_path(self.settings, self.endpoints.kafka_bootstrap, export, LISTENER)

    def run(self) -> BatchRun:
        return run_batch(self.settings, self.endpoints)

    def digests(self) -> dict[str, str]:
        return {table.full_name: self.lake.digest(table) for table in self.derived}

    def versions(self) -> dict[str, int | None]:
        return {table.full_name: self.lake.version(table) for table in catalog.lake_tables().values()}

    def rows(self, name: str) -> list[dict[str, Any]]:
        """Rows of a table in the lake."""
        found: list[dict[str, Any]] = self.lake.rows(catalog.table(name)).to_pylist()
        return found

    def analysed(self, name: str) -> list[dict[str, Any]]:
        """Rows of a table's view in the warehouse."""
        answer = ask(self.settings, self.endpoints, f"SELECT * FROM {self.settings.bigquery_dataset_prefix}{name}")
        return [dict(zip(answer.columns, row, strict=True)) for row in answer.rows]

    def served_days(self) -> list[dict[str, Any]]:
        """The listener's days in the serving store."""
        return read(self.settings, self.endpoints, DAILY_USER_PLAYS, {"user_id": self.user_id}, limit=100_000)

    def served_chart(self, country: str = "ZZ") -> list[dict[str, Any]]:
        return read(self.settings, self.endpoints, COUNTRY_CHARTS, {"country": country, "window_days": "28"})

    def served(self) -> dict[str, Any]:
        """All that readers see, in an order that does not depend on the store."""
        warehouse = {
            table.full_name: sorted(map(repr, self.analysed(table.full_name)))
            for table in self.derived
            if table.warehouse
        }
        return warehouse | {"days": self.served_days(), "chart": self.served_chart()}

    def environment(self, failpoint: str = "") -> dict[str, str]:
        """Environment in which the command line works on this deployment, and dies at `failpoint`."""
        names = ("home", "playback_topic", "bigquery_dataset_prefix", "cassandra_keyspace", "statistics", "round_rows")
        own = {f"TONEARM_{name.upper()}": str(getattr(self.settings, name)) for name in names}
        return os.environ | own | ({failpoints.VARIABLE: failpoint} if failpoint else {})

    def start(self, export: Path, failpoint: str = "", *options: str) -> subprocess.Popen[str]:
        """`tonearm run --once` in another process."""
        words = ["run", "--once", "--json", "--user", LISTENER, "--input", str(export), *options]
        return subprocess.Popen(
            [sys.executable, "-m", "tonearm", *words],
            cwd=REPOSITORY,
            env=self.environment(failpoint),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def said(self, *words: str) -> str:
        """What a command that ends well prints, in another process."""
        command = [sys.executable, "-m", "tonearm", *words]
        done = subprocess.run(
            command, cwd=REPOSITORY, env=self.environment(), capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture(scope="session")
def deployment(stack: Any, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Deployment]:
    """Make a deployment; one `like` another knows the same listeners, and reads its topic unless it gets its own."""

    def make(
        like: Deployment | None = None, own_topic: bool = True, statistics: bool = False, **more: Any
    ) -> Deployment:
        name = f"e{uuid.uuid4().hex[:8]}"
        home = tmp_path_factory.mktemp("deployment")
        own: dict[str, Any] = more | {
            "bigquery_dataset_prefix": f"{name}_",
            "cassandra_keyspace": name,
            "playback_topic": f"{name}-events",
        }
        if like:
            shutil.copytree(like.settings.home / "secrets", home / "secrets")
            shutil.copy(like.settings.home / "identity.db", home)
        if like and not own_topic:
            own["playback_topic"] = like.settings.playback_topic
            shutil.copytree(like.settings.home / "manifests", home / "manifests")
        # The command line attaches to the session's stack: it is taken for this home's own.
        (home / "stack").symlink_to(stack.settings.home.resolve() / "stack")
        return Deployment(Settings(home=home, statistics=statistics, **own), stack.endpoints)

    return make


@pytest.fixture(scope="session")
def export(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small export with everything that real ones have, and with what they should not have."""
    folder = tmp_path_factory.mktemp("export")
    (folder / "StreamingHistory0.json").write_text(json.dumps([*BASIC, *everyday(date(2022, 1, 1), days=40)]))
    (folder / "endsong_0.json").write_text(json.dumps(EXTENDED))
    return folder


@pytest.fixture(scope="session")
def longer_export(export: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same export a week later: its file has grown at both ends, and a new file begins with rows of the old one."""
    folder = tmp_path_factory.mktemp("longer")
    grown = [*everyday(date(2022, 2, 10), days=7), *json.loads((export / "StreamingHistory0.json").read_text())]
    (folder / "StreamingHistory0.json").write_text(json.dumps(grown))
    (folder / "StreamingHistory1.json").write_text(json.dumps([*grown[:3], basic("2022-02-20 10:00", "New", "Song")]))
    (folder / "endsong_0.json").write_text(json.dumps(EXTENDED))
    return folder


@pytest.fixture(scope="session")
def undisturbed(deployment: Callable[..., Deployment], export: Path) -> Deployment:
    """The small export, imported and run once. Only read it: others compare with it, and read its topic themselves.

    Whoever sends something takes a topic of their own, `deployment(like=undisturbed)`.
    """
    made = deployment()
    made.send(export)
    assert made.run().sheet.adds_up
    return made


@pytest.fixture(scope="session")
def audited(deployment: Callable[..., Deployment]) -> tuple[Deployment, list[tuple[str, int]]]:
    """A deployment that has run on a history, and which messages of it never came (see `play_with_losses`)."""
    made = deployment()
    dropped = play_with_losses(made)
    assert made.run().sheet.adds_up
    return made, dropped


@pytest.fixture(scope="module")
def auditor(audited: tuple[Deployment, list[tuple[str, int]]]) -> Iterator[Auditor]:
    """An auditor of that deployment; tests leave there what adds up."""
    made, dropped = audited
    with open_session(made.settings) as session:
        auditor = Auditor(made, dropped, session)
        auditor.ask_stores()
        yield auditor


@pytest.fixture
def phones(auditor: Auditor) -> Phones:
    """Clients of the auditor's deployment."""
    return Phones(auditor.made)


@pytest.fixture(scope="session")
def now() -> datetime:
    """The moment of the tests in UTC, without a zone."""
    return datetime.now(UTC).replace(tzinfo=None)


def basic(time: str, artist: str | None, title: str | None, ms: object = 200_000) -> dict[str, Any]:
    return {"endTime": time, "artistName": artist, "trackName": title, "msPlayed": ms}


def extended(time: str, uri: str | None, ms: int, end: str | None, **fields: Any) -> dict[str, Any]:
    names = {"master_metadata_track_name": "Song", "master_metadata_album_artist_name": "Singer"} if uri else {}
    album = {"master_metadata_album_album_name": "Album"} if uri else {}
    given = {"ts": time, "spotify_track_uri": uri, "ms_played": ms, "reason_start": "clickrow", "reason_end": end}
    return {**given, **names, **album, "skipped": None, "conn_country": "DE", **fields}


def everyday(first: date, days: int) -> list[dict[str, Any]]:
    """Three playbacks a day, of a few tracks in turn, every seventh of them short."""
    return [
        basic(f"{first + timedelta(days=n // 3)} {8 + n % 3:02}:15", f"Band {n % 5}", f"Song {n % 11}", ms)
        for n in range(3 * days)
        for ms in [4_000 if n % 7 == 0 else 180_000 + n]
    ]


REPEAT = basic("2022-01-03 08:00", "Poolside", "Harvest Moon")
BASIC = [
    REPEAT,
    REPEAT,
    basic("2022-01-03 08:04", " POOLSIDE", "Harvest  Moon", 30_000),
    basic("2022-01-03 08:09", "Poolside", "\uff28arvest moon", 29_999),
    basic("2022-01-03 23:59", "Straße", "Ünïcode ✓", 1),
    basic("2022-01-04 00:00", "STRASSE", "Ünïcode ✓", 0),
    basic("2022-01-04 10:00", "Artist without a song", None),
    basic("2022-01-04 10:01", None, "Song without an artist"),
    basic("2022-01-04 10:02", "Backwards", "Clock", -1),
    basic("2022-01-04 10:02", "Very", "Long", 86_400_001),
    basic("1999-12-31 23:59", "Before", "Streaming"),
    basic("2999-01-01 00:00", "After", "Now"),
    basic("yesterday", "No", "Time"),
    basic("2022-01-04 10:03", "No", "Number", "200000"),
    basic("2022-01-04 10:04", "x" * 1_025, "Long name"),
    basic("2022-02-01 10:00", "Singer", "Song", 200_500),
    {"no": "time"},
    "no object",
    None,
]
EXTENDED = [
    extended("2022-02-01T10:00:00Z", "spotify:track:1", 200_000, "trackdone"),
    extended("2022-02-01T10:00:01Z", "spotify:track:1", 30_000, "endplay"),
    extended("2022-02-01T10:00:02Z", "spotify:track:1", 29_999, "endplay"),
    extended("2022-02-01T10:00:03Z", "spotify:track:2", 30_000, "fwdbtn"),
    extended("2022-02-01T10:00:04Z", "spotify:track:2", 29_999, "backbtn"),
    extended("2022-02-01T10:00:05Z", "spotify:track:2", 90_000, "trackdone", skipped=True),
    extended("2022-02-01T10:00:06Z", "spotify:track:2", 30_000, "unknown", conn_country="SE"),
    extended("2022-02-01T10:00:07Z", "spotify:track:2", 29_999, None, conn_country=None),
    extended("2022-02-01T23:59:59Z", "spotify:track:3", 29_999, "", master_metadata_track_name="Later name"),
    extended("2022-02-02T00:00:00Z", "spotify:track:3", 200_000, "trackdone", conn_country="ZZ"),
    extended("2022-02-02T10:00:00Z", None, 60_000, "trackdone", master_metadata_track_name="No URI"),
    extended("2022-02-02T11:00:00Z", None, 60_000, "endplay", episode_name="Talk", episode_show_name="Show"),
    extended("2022-02-02T11:00:00Z", None, 60_000, "endplay", spotify_episode_uri="spotify:episode:1"),
    *[extended("2022-02-02T12:00:00Z", None, 0, None)] * 3,
    {"ts": "2022-02-02T12:00:00Z"},
]
