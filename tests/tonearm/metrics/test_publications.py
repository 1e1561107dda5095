"""What is in force in a store against what passed its checks, by a ledger of publications in a real Cassandra."""

import json
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.serving_store.ledger import Entry, Ledger
from infra.serving_store.session import serving_session
from infra.serving_store.tables import create_control_tables
from infra.settings import Settings
from tests.tonearm.metrics.scraping import Values, parsed
from tonearm.metrics.collector import families
from tonearm.metrics.sources import read_cassandra

TABLE, STORE = "gold.event_balance", "bigquery"


@pytest.fixture
def settings(stack: Any, tmp_path: Path) -> Settings:
    (tmp_path / "stack").symlink_to(stack.settings.home.resolve() / "stack")
    return Settings(home=tmp_path, cassandra_keyspace=f"m{uuid.uuid4().hex[:8]}")


@pytest.fixture
def enter(settings: Settings, stack: Any) -> Iterator[Callable[..., Entry]]:
    """Enters a publication of a version, and completes it unless it is to stay unfinished."""
    with serving_session(settings, stack.endpoints) as serving:
        create_control_tables(serving, settings)
        ledger = Ledger(serving)

        def enter(version: int, mode: Any = "merge", is_completed: bool = True, withheld: int | None = None) -> Entry:
            planned = Entry(TABLE, STORE, 1, mode, version, withheld_version=withheld)
            entry = ledger.start(lambda _: planned, TABLE, STORE)
            assert entry is not None
            if is_completed:
                ledger.complete(entry)
            return entry

        yield enter


def passed(settings: Settings, version: int) -> None:
    """Say that a version of the table passed its checks."""
    (settings.home / "checks").mkdir(exist_ok=True)
    (settings.home / "checks" / f"{TABLE}.json").write_text(json.dumps({"table_id": "t", "passed_version": version}))


def read(settings: Settings) -> Values:
    from prometheus_client import CollectorRegistry, generate_latest

    class Once:
        def collect(self) -> Any:
            return families(read_cassandra(settings))

    registry = CollectorRegistry()
    registry.register(Once())  # type: ignore[arg-type]
    return parsed(generate_latest(registry).decode())


def state(settings: Settings) -> tuple[float, ...]:
    """Whether the store is behind and held, and how many publications did not end."""
    found = read(settings)
    names = ("tonearm_publication_behind", "tonearm_publication_held", "tonearm_publications_unfinished")
    return tuple(found[name][STORE, TABLE] for name in names)


def test_what_is_published_and_passed_last_is_in_force(settings: Settings, enter: Callable[..., Entry]) -> None:
    passed(settings, 3)
    began = enter(3).started_at
    assert began is not None
    assert state(settings) == (0, 0, 0)
    moment = read(settings)["tonearm_publication_completed_timestamp_seconds"][STORE, TABLE]
    assert 0 <= moment - began.timestamp() < 60


def test_a_version_that_passed_and_is_not_published_is_behind(settings: Settings, enter: Callable[..., Entry]) -> None:
    enter(3)
    assert state(settings) == (0, 0, 0)  # nothing has passed, so nothing is to be published
    passed(settings, 4)
    assert state(settings) == (1, 0, 0)


def test_a_publication_that_did_not_end_leaves_the_one_before_in_force(
    settings: Settings, enter: Callable[..., Entry]
) -> None:
    passed(settings, 4)
    enter(3)
    enter(4, is_completed=False)
    assert state(settings) == (1, 0, 1)


def test_a_rollback_holds_until_a_newer_version_passes(settings: Settings, enter: Callable[..., Entry]) -> None:
    passed(settings, 4)
    enter(3)
    enter(4)
    enter(3, "rollback", withheld=4)
    assert state(settings) == (0, 1, 0)
    passed(settings, 5)
    assert state(settings) == (1, 0, 0)


def test_before_the_first_publication_there_is_nothing(settings: Settings, stack: Any) -> None:
    assert read(settings) == {}
