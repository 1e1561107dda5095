"""A lake, a keyspace and datasets of a test's own, small tables to publish there, and a publisher that dies."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from infra import failpoints
from infra.lake import Lake
from infra.local.stack import Endpoints
from infra.serving_store.reads import read
from infra.serving_store.session import serving_session
from infra.settings import REPOSITORY, Settings
from infra.warehouse.queries import ask
from jobs.publish import Publication, publish, rollback
from playback.arrow import arrow_schema
from schemas.gold import COUNTRY_CHARTS, DAILY_USER_PLAYS
from schemas.model import Table
from schemas.render.cassandra import table_name

PUBLISH = """
import sys
from pathlib import Path
from infra.lake import Lake
from infra.local.stack import endpoints
from infra.settings import Settings
from jobs.publish import publish
from schemas import catalog
home, lake, table, version = sys.argv[1:]
settings = Settings(home=Path(home))
stores = endpoints(settings, ("cassandra", "bigquery"))
publish(settings, stores, Lake(Path(lake)), catalog.table(table), int(version))
"""


@dataclass(frozen=True)
class Place:
    """A lake, a keyspace and datasets of the test's own."""

    settings: Settings
    endpoints: Endpoints
    lake: Lake

    def put(self, table: Table, rows: list[dict[str, Any]], day: int | None = None) -> int:
        """Write the table, or one day of it, and return the Delta version."""
        self.lake.create(table)
        data = pa.Table.from_pylist(rows, schema=arrow_schema(table.stored_fields))
        only = f"event_date = '2026-01-{day:02}'" if day else None
        write_deltalake(self.lake.path(table), data, mode="overwrite", predicate=only)
        version = self.lake.version(table)
        assert version is not None
        return version

    def publish(self, table: Table, version: int) -> list[Publication]:
        return publish(self.settings, self.endpoints, self.lake, table, version)

    def rollback(self, table: Table) -> list[Publication]:
        return rollback(self.settings, self.endpoints, self.lake, table)

    def killed_at(self, point: str, table: Table, version: int) -> None:
        """Publish in another process, which dies at that point."""
        environment = os.environ | {
            failpoints.VARIABLE: point,
            "PYTHONPATH": str(REPOSITORY),
            "TONEARM_CASSANDRA_KEYSPACE": self.settings.cassandra_keyspace,
            "TONEARM_BIGQUERY_DATASET_PREFIX": self.settings.bigquery_dataset_prefix,
        }
        arguments = [str(self.settings.home), str(self.lake.root), table.full_name, str(version)]
        done = subprocess.run([sys.executable, "-c", PUBLISH, *arguments], env=environment, check=False)
        assert done.returncode == -signal.SIGKILL

    def lose_serving_table(self, table: Table) -> None:
        """Drop the table that is served, and nothing else."""
        with serving_session(self.settings, self.endpoints) as serving:
            serving.session.execute(f'DROP TABLE "{serving.keyspace}"."{table_name(table)}"')

    def served_users(self, *users: str) -> list[tuple[int, str, int]]:
        """Day, listener and plays as the serving store has them."""
        found = [
            row for user in users for row in read(self.settings, self.endpoints, DAILY_USER_PLAYS, {"user_id": user})
        ]
        return sorted((row["event_date"].day, row["user_id"], row["play_count"]) for row in found)

    def served_chart(self) -> list[str]:
        """Tracks of the served chart in order."""
        key = {"country": "DE", "window_days": "7"}
        return [row["track_id"] for row in read(self.settings, self.endpoints, COUNTRY_CHARTS, key)]

    def warehouse(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of a query in which `gold.` is the test's own dataset."""
        own = sql.replace("gold.", f"{self.settings.bigquery_dataset_prefix}gold.")
        return ask(self.settings, self.endpoints, own).rows


def plays(day: int, user: str, count: int) -> dict[str, Any]:
    counts = dict.fromkeys(("playback_count", "play_count", "track_count", "played_ms"), count)
    return {"event_date": date(2026, 1, day), "user_id": user, "skip_count": 0, "input_positions": "{}", **counts}


def chart(*tracks: str) -> list[dict[str, Any]]:
    shared = {"country": "DE", "window_days": 7, "chart_date": date(2026, 1, 1), "play_count": 1, "played_ms": 1}
    names = {"artist_name": "", "track_title": "'; DROP TABLE x; --", "input_positions": "{}"}
    return [{**shared, **names, "position": place, "track_id": track} for place, track in enumerate(tracks, 1)]


VIEW = "SELECT EXTRACT(DAY FROM event_date), user_id, play_count FROM gold.daily_user_plays ORDER BY 1, 2"


def died_at(monkeypatch: pytest.MonkeyPatch, point: str, publication: Callable[[], object]) -> None:
    """Run a publication that stops at that point and does nothing more."""

    def reach(name: str, _place: str = "") -> None:
        if name == point:
            raise InterruptedError

    with monkeypatch.context() as patched:
        patched.setattr(failpoints, "reach", reach)
        with pytest.raises(InterruptedError):
            publication()
