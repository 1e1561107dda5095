"""Publications of small Delta tables to a real Cassandra and to the BigQuery stand-in."""

import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
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
from schemas.errors import InputError, MissingInputError, StoreUnavailableError, SupersededError
from schemas.gold import COUNTRY_CHARTS, DAILY_TRACK_PLAYS, DAILY_USER_PLAYS
from schemas.model import Table, Warehouse
from schemas.render.cassandra import table_name
from schemas.silver import PLAYS

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


@pytest.fixture
def place(stack: Any, tmp_path: Path) -> Place:
    name = f"p{uuid.uuid4().hex[:8]}"
    own = {"cassandra_keyspace": name, "bigquery_dataset_prefix": f"{name}_"}
    return Place(stack.settings.model_copy(update=own), stack.endpoints, Lake(tmp_path / "lake"))


def plays(day: int, user: str, count: int) -> dict[str, Any]:
    counts = dict.fromkeys(("playback_count", "play_count", "track_count", "played_ms"), count)
    return {"event_date": date(2026, 1, day), "user_id": user, "skip_count": 0, "input_positions": "{}", **counts}


def chart(*tracks: str) -> list[dict[str, Any]]:
    shared = {"country": "DE", "window_days": 7, "chart_date": date(2026, 1, 1), "play_count": 1, "played_ms": 1}
    names = {"artist_name": "", "track_title": "'; DROP TABLE x; --", "input_positions": "{}"}
    return [{**shared, **names, "position": place, "track_id": track} for place, track in enumerate(tracks, 1)]


VIEW = "SELECT EXTRACT(DAY FROM event_date), user_id, play_count FROM gold.daily_user_plays ORDER BY 1, 2"


def test_a_first_publication_sends_the_whole_table_to_both_stores(place: Place) -> None:
    version = place.put(DAILY_USER_PLAYS, [plays(1, "a", 1), plays(1, "b", 2), plays(2, "a", 3)])
    done = place.publish(DAILY_USER_PLAYS, version)
    assert [(one.store, one.publish_number, one.delta_version, one.rows, one.deleted) for one in done] == [
        ("bigquery", 1, version, 3, 0),
        ("cassandra", 1, version, 3, 0),
    ]
    assert place.served_users("a", "b") == [(1, "a", 1), (1, "b", 2), (2, "a", 3)]
    assert place.warehouse(VIEW) == [(1, "a", 1), (1, "b", 2), (2, "a", 3)]


def test_publishing_again_what_is_published_does_nothing(place: Place) -> None:
    version = place.put(DAILY_USER_PLAYS, [plays(1, "a", 1)])
    place.publish(DAILY_USER_PLAYS, version)
    assert place.publish(DAILY_USER_PLAYS, version) == []


def test_a_restated_date_changes_and_its_vanished_rows_are_deleted(place: Place) -> None:
    place.publish(DAILY_USER_PLAYS, place.put(DAILY_USER_PLAYS, [plays(1, "a", 1), plays(1, "b", 2), plays(2, "a", 3)]))
    done = place.publish(DAILY_USER_PLAYS, place.put(DAILY_USER_PLAYS, [plays(1, "a", 5)], day=1))
    assert [(one.rows, one.deleted, one.partitions) for one in done] == [(1, 1, (date(2026, 1, 1),))] * 2
    assert place.served_users("a", "b") == [(1, "a", 5), (2, "a", 3)]
    assert place.warehouse(VIEW) == [(1, "a", 5), (2, "a", 3)]


def test_a_date_that_is_emptied_is_emptied_in_both_stores(place: Place) -> None:
    place.publish(DAILY_USER_PLAYS, place.put(DAILY_USER_PLAYS, [plays(1, "a", 1), plays(2, "a", 3)]))
    place.publish(DAILY_USER_PLAYS, place.put(DAILY_USER_PLAYS, [], day=1))
    assert place.served_users("a") == [(2, "a", 3)]
    assert place.warehouse(VIEW) == [(2, "a", 3)]


def test_only_dates_touched_since_the_last_completed_publication_are_sent(place: Place) -> None:
    place.publish(DAILY_USER_PLAYS, place.put(DAILY_USER_PLAYS, [plays(day, "a", 1) for day in (1, 2, 3)]))
    place.put(DAILY_USER_PLAYS, [plays(2, "a", 2)], day=2)
    done = place.publish(DAILY_USER_PLAYS, place.put(DAILY_USER_PLAYS, [plays(3, "a", 3)], day=3))
    assert {one.partitions for one in done} == {(date(2026, 1, 2), date(2026, 1, 3))}
    assert place.served_users("a") == [(1, "a", 1), (2, "a", 2), (3, "a", 3)]


def test_an_older_version_is_refused(place: Place) -> None:
    older = place.put(DAILY_USER_PLAYS, [plays(1, "a", 1)])
    place.publish(DAILY_USER_PLAYS, place.put(DAILY_USER_PLAYS, [plays(1, "a", 2)]))
    with pytest.raises(SupersededError, match="newer than version"):
        place.publish(DAILY_USER_PLAYS, older)
    assert place.served_users("a") == [(1, "a", 2)]


def test_a_generation_replaces_the_one_before(place: Place) -> None:
    place.publish(COUNTRY_CHARTS, place.put(COUNTRY_CHARTS, chart("x", "y", "z")))
    place.publish(COUNTRY_CHARTS, place.put(COUNTRY_CHARTS, chart("y", "x")))
    assert place.served_chart() == ["y", "x"]
    assert place.warehouse("SELECT track_id FROM gold.country_charts ORDER BY position") == [("y",), ("x",)]


def test_until_the_rerun_of_a_killed_publication_the_old_generation_is_served(place: Place) -> None:
    place.publish(COUNTRY_CHARTS, place.put(COUNTRY_CHARTS, chart("x", "y")))
    version = place.put(COUNTRY_CHARTS, chart("y"))
    place.killed_at("publish.before_pointer", COUNTRY_CHARTS, version)
    assert place.served_chart() == ["x", "y"]
    assert [(one.store, one.publish_number) for one in place.publish(COUNTRY_CHARTS, version)] == [("cassandra", 3)]
    assert place.served_chart() == ["y"]


@pytest.mark.parametrize("point", ["publish.before_merge", "publish.after_merge", "publish.after_rows"])
def test_a_rerun_repairs_a_killed_publication(place: Place, point: str) -> None:
    place.publish(DAILY_USER_PLAYS, place.put(DAILY_USER_PLAYS, [plays(1, "a", 1), plays(1, "b", 2), plays(2, "a", 3)]))
    version = place.put(DAILY_USER_PLAYS, [plays(1, "a", 5), plays(1, "ghost", 1)], day=1)
    place.killed_at(point, DAILY_USER_PLAYS, version)
    place.publish(DAILY_USER_PLAYS, place.put(DAILY_USER_PLAYS, [plays(1, "a", 6)], day=1))
    assert place.served_users("a", "b", "ghost") == [(1, "a", 6), (2, "a", 3)]
    assert place.warehouse(VIEW) == [(1, "a", 6), (2, "a", 3)]
    leftovers = "SELECT table_name FROM gold.INFORMATION_SCHEMA.TABLES WHERE table_name LIKE '%staging%'"
    assert place.warehouse(leftovers) == []


def died_at(monkeypatch: pytest.MonkeyPatch, point: str, publication: Callable[[], object]) -> None:
    """Run a publication that stops at that point and does nothing more."""

    def reach(name: str, _place: str = "") -> None:
        if name == point:
            raise InterruptedError

    with monkeypatch.context() as patched:
        patched.setattr(failpoints, "reach", reach)
        with pytest.raises(InterruptedError):
            publication()


def test_a_table_that_was_made_again_and_not_filled_is_filled_by_the_next_publication(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The declared version is raised, and the publisher dies before the new table has a row."""
    version = place.put(DAILY_USER_PLAYS, [plays(1, "a", 1), plays(2, "b", 3)])
    place.publish(DAILY_USER_PLAYS, version)
    raised = replace(DAILY_USER_PLAYS, warehouse=Warehouse(version=2))
    died_at(monkeypatch, "publish.after_create", lambda: place.publish(raised, version))
    done = place.publish(raised, version)
    assert [(one.store, one.rows, one.partitions) for one in done] == [("bigquery", 2, ())]
    assert place.warehouse(VIEW) == [(1, "a", 1), (2, "b", 3)]
    assert place.publish(raised, version) == []


def test_a_serving_table_that_was_lost_made_again_and_not_filled_is_filled(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = place.put(DAILY_USER_PLAYS, [plays(1, "a", 1), plays(2, "a", 3)])
    place.publish(DAILY_USER_PLAYS, version)
    place.lose_serving_table(DAILY_USER_PLAYS)
    died_at(monkeypatch, "publish.after_create", lambda: place.publish(DAILY_USER_PLAYS, version))
    place.publish(DAILY_USER_PLAYS, version)
    assert place.served_users("a") == [(1, "a", 1), (2, "a", 3)]


def overtaken_at(monkeypatch: pytest.MonkeyPatch, point: str, overtake: Callable[[], object]) -> None:
    """Make the next publication stop at that point until another one is through."""

    def reach(name: str, _place: str = "") -> None:
        if name == point:
            monkeypatch.setattr(failpoints, "reach", lambda *_: None)
            overtake()

    monkeypatch.setattr(failpoints, "reach", reach)


@pytest.mark.parametrize("point", ["publish.before_rows", "publish.before_merge"])
def test_rows_of_an_overtaken_publisher_lose_in_both_stores(
    place: Place, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    """Its changed row, its row that is no more, and its row at a date that was emptied since."""
    place.publish(DAILY_USER_PLAYS, place.put(DAILY_USER_PLAYS, [plays(1, "a", 1), plays(2, "b", 1)]))
    slow = place.put(DAILY_USER_PLAYS, [plays(1, "a", 2), plays(1, "ghost", 2), plays(2, "ghost", 2)])
    place.put(DAILY_USER_PLAYS, [plays(1, "a", 3)], day=1)
    newest = place.put(DAILY_USER_PLAYS, [], day=2)
    overtaken_at(monkeypatch, point, lambda: place.publish(DAILY_USER_PLAYS, newest))
    with pytest.raises(SupersededError):
        place.publish(DAILY_USER_PLAYS, slow)
    assert place.served_users("a", "b", "ghost") == [(1, "a", 3)]
    assert place.warehouse(VIEW) == [(1, "a", 3)]


def test_an_overtaken_publisher_cannot_move_the_pointer_back(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    slow = place.put(COUNTRY_CHARTS, chart("old"))
    newest = place.put(COUNTRY_CHARTS, chart("new"))
    overtaken_at(monkeypatch, "publish.before_pointer", lambda: place.publish(COUNTRY_CHARTS, newest))
    with pytest.raises(SupersededError):
        place.publish(COUNTRY_CHARTS, slow)
    assert place.served_chart() == ["new"]


def test_a_rollback_takes_the_last_publication_back_until_a_newer_version_comes(place: Place) -> None:
    first = place.put(DAILY_USER_PLAYS, [plays(1, "a", 1), plays(1, "b", 2)])
    place.publish(DAILY_USER_PLAYS, first)
    wrong = place.put(DAILY_USER_PLAYS, [plays(1, "a", 9)])
    place.publish(DAILY_USER_PLAYS, wrong)
    assert [(one.delta_version, one.publish_number) for one in place.rollback(DAILY_USER_PLAYS)] == [(first, 3)] * 2
    assert place.publish(DAILY_USER_PLAYS, wrong) == []
    assert place.served_users("a", "b") == place.warehouse(VIEW) == [(1, "a", 1), (1, "b", 2)]
    place.publish(DAILY_USER_PLAYS, place.put(DAILY_USER_PLAYS, [plays(1, "a", 4)]))
    assert place.served_users("a", "b") == place.warehouse(VIEW) == [(1, "a", 4)]


def test_a_publication_that_a_rollback_holds_back_is_said(place: Place) -> None:
    place.publish(COUNTRY_CHARTS, place.put(COUNTRY_CHARTS, chart("x")))
    version = place.put(COUNTRY_CHARTS, chart("y"))
    place.publish(COUNTRY_CHARTS, version)
    place.rollback(COUNTRY_CHARTS)
    said: list[str] = []
    publish(place.settings, place.endpoints, place.lake, COUNTRY_CHARTS, version, lambda _, what: said.append(what))
    assert said == [f"{store} is held at an earlier version by a rollback" for store in ("bigquery", "cassandra")]


def test_a_rollback_of_a_snapshot_moves_the_pointer_and_writes_no_row(place: Place) -> None:
    place.publish(COUNTRY_CHARTS, place.put(COUNTRY_CHARTS, chart("x")))
    place.publish(COUNTRY_CHARTS, place.put(COUNTRY_CHARTS, chart("y")))
    assert [one.rows for one in place.rollback(COUNTRY_CHARTS) if one.store == "cassandra"] == [0]
    assert place.served_chart() == ["x"]


def test_a_rollback_after_the_serving_table_was_lost_writes_the_rows_again(place: Place) -> None:
    place.publish(COUNTRY_CHARTS, place.put(COUNTRY_CHARTS, chart("x")))
    version = place.put(COUNTRY_CHARTS, chart("y"))
    place.publish(COUNTRY_CHARTS, version)
    place.lose_serving_table(COUNTRY_CHARTS)
    place.publish(COUNTRY_CHARTS, version)
    place.rollback(COUNTRY_CHARTS)
    assert place.served_chart() == ["x"]


def test_a_rollback_of_a_publication_that_died_after_the_pointer_goes_one_version_back(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    for track in ("x", "y"):
        place.publish(COUNTRY_CHARTS, place.put(COUNTRY_CHARTS, chart(track)))
    version = place.put(COUNTRY_CHARTS, chart("z"))
    died_at(monkeypatch, "publish.after_pointer", lambda: place.publish(COUNTRY_CHARTS, version))
    assert place.served_chart() == ["z"]
    place.rollback(COUNTRY_CHARTS)
    assert place.served_chart() == ["y"]


def test_a_second_rollback_goes_one_version_further(place: Place) -> None:
    for track in ("x", "y", "z"):
        place.publish(COUNTRY_CHARTS, place.put(COUNTRY_CHARTS, chart(track)))
    place.rollback(COUNTRY_CHARTS)
    place.rollback(COUNTRY_CHARTS)
    assert place.served_chart() == ["x"]
    with pytest.raises(InputError, match="nothing to roll"):
        place.rollback(COUNTRY_CHARTS)


def test_a_table_that_was_never_published_cannot_be_rolled_back(place: Place) -> None:
    with pytest.raises(InputError, match="nothing to roll back"):
        place.rollback(DAILY_TRACK_PLAYS)


def test_a_table_without_a_store_is_refused(place: Place) -> None:
    with pytest.raises(InputError, match="published nowhere"):
        place.publish(PLAYS, 1)


def test_a_table_that_was_not_published_is_not_served(place: Place) -> None:
    with pytest.raises(MissingInputError, match="tonearm run"):
        place.served_chart()


def test_a_store_that_does_not_answer_is_worth_a_retry(place: Place) -> None:
    nowhere = Endpoints(cassandra_hosts=("127.0.0.1",), cassandra_port=1, bigquery_url="http://127.0.0.1:1")
    with pytest.raises(StoreUnavailableError, match="Cassandra does not answer"):
        publish(place.settings, nowhere, place.lake, COUNTRY_CHARTS, 1)
