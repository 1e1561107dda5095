"""Rows for BigQuery are gathered while a load is under way, and what was loaded is told, never more."""

import threading
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from infra.local.stack import Endpoints
from infra.serving_store.live_runs import LiveRun
from infra.settings import Settings
from pipelines import sinks
from pipelines.sinks import MicroBatches, Stores
from pipelines.transforms.elements import Changes
from pipelines.transforms.rules import Rules
from schemas.errors import ContractError
from schemas.live import MINUTE_TRACK_PLAYS, MINUTE_USER_PLAYS

AT_ONCE, LONG_SECONDS = 1e-9, 3_600.0


class Loads:
    """A warehouse whose loads end when they are let go."""

    def __init__(self) -> None:
        self.rows: list[list[tuple[str, int]]] = []
        self.go, self.begun = threading.Event(), threading.Semaphore(0)
        self.error: Exception | None = None

    def upsert(self, _client: object, _table: object, rows: pa.Table, _number: int) -> None:
        self.begun.release()
        assert self.go.wait(60)
        if self.error:
            raise self.error
        self.rows.append(sorted((row["track_id"], row["play_count"]) for row in rows.to_pylist()))


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> Loads:
    found = Loads()
    monkeypatch.setattr(sinks, "upsert_rows", found.upsert)
    monkeypatch.setattr(sinks, "warehouse", lambda *_: nullcontext())
    return found


def batches(home: Path, seconds: float) -> MicroBatches:
    return MicroBatches(Stores(Settings(home=home), Endpoints(), LiveRun("T", 1, 0), seconds, Rules()))


def changes(number: int, **plays: int) -> Changes:
    """Counts of tracks of one minute, and rows of a table that is not for BigQuery."""
    cells = [{"window_start": 0, "country": "SE", "track_id": name, "play_count": n} for name, n in plays.items()]
    others = pa.table({"user_id": ["ada"]})
    rows = {MINUTE_TRACK_PLAYS.full_name: pa.Table.from_pylist(cells), MINUTE_USER_PLAYS.full_name: others}
    return Changes(number, number, number, rows)


def done(loading: MicroBatches) -> None:
    sending: Any = loading._sending
    sending.exception(60)


def test_nothing_is_told_before_it_is_loaded_and_then_the_last_of_each_cell_is(tmp_path: Path, loads: Loads) -> None:
    loading = batches(tmp_path, AT_ONCE)
    assert loading.add(changes(1, a=1)) is None
    assert loads.begun.acquire(timeout=60)
    assert loading.add(changes(2, a=2, b=1)) is None
    assert loading.add(changes(3, a=3)) is None
    loads.go.set()
    done(loading)
    told = loading.add(changes(4, c=1))
    assert told is not None
    assert (told.number, told.rows) == (1, {})
    done(loading)
    told = loading.add(changes(5))
    assert told is not None
    assert told.number == 4
    assert loads.rows[:2] == [[("a", 1)], [("a", 3), ("b", 1), ("c", 1)]]


def test_loads_are_no_more_often_than_asked(tmp_path: Path, loads: Loads) -> None:
    loads.go.set()
    loading = batches(tmp_path, LONG_SECONDS)
    loading.add(changes(1, a=1))
    done(loading)
    told = [loading.add(changes(number, a=number)) for number in (2, 3)]
    assert [one and one.number for one in told] == [1, 1]
    assert loads.rows == [[("a", 1)]]


def test_where_too_much_waits_nothing_is_taken_until_the_load_has_ended(
    tmp_path: Path, loads: Loads, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sinks, "MOST_WAITING_ROWS", 2)
    loading = batches(tmp_path, AT_ONCE)
    loading.add(changes(1, a=1))
    assert loading.add(changes(2, a=2, b=2)) is None
    told: list[Changes | None] = []
    adding = threading.Thread(target=lambda: told.append(loading.add(changes(3, c=3))), daemon=True)
    adding.start()
    adding.join(0.3)
    assert adding.is_alive()
    loads.go.set()
    adding.join(60)
    assert [one and one.number for one in told] == [1]


def test_what_a_load_raises_ends_the_pipeline(tmp_path: Path, loads: Loads) -> None:
    loads.error = ContractError("no such column")
    loads.go.set()
    loading = batches(tmp_path, AT_ONCE)
    loading.add(changes(1, a=1))
    done(loading)
    with pytest.raises(ContractError, match="no such column"):
        loading.add(changes(2, a=2))
