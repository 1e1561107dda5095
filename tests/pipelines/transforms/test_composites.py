"""Each composite transform on Beam's TestStream in the five situations of time, each with a repeat."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from infra.serving_store.live_runs import LiveRun, begin_live_run, read_live_run
from infra.serving_store.reads import read
from infra.serving_store.session import serving_session
from infra.serving_store.tables import create_control_tables, create_serving_table
from pipelines.sinks import Stores, WriteLive
from pipelines.transforms.elements import Batch
from pipelines.transforms.live import FATE, CountLive, DecodeAndJudge, Deduplicate, Run
from pipelines.transforms.rules import Rules
from schemas import catalog
from schemas.live import FATES, MINUTE_TRACK_PLAYS
from tests.pipelines.conftest import NOON, NOON_US, Log
from tests.pipelines.streams import MINUTE, cells, live, through

MakeRun = Callable[..., Run]
Plays = list[dict[tuple[Any, ...], tuple[Any, ...]]]
ONE, TWO = {(0, "DE", "t1"): (1, 0, 1)}, {(0, "DE", "t1"): (2, 0, 1)}


@dataclass(frozen=True)
class Situation:
    """Batches, and what is to be of them: fates as judged, without repeats, the cells that change, the marker."""

    batches: Callable[[Log], list[Batch]]
    judged: list[list[str]]
    deduplicated: list[list[str]]
    counted: Plays
    closed_minutes: int


SITUATIONS = {
    "on time": Situation(
        lambda log: [log.batch(log.event("a", 0), log.event("b", 1), log.event("a", 0, appended=2), passed=3)],
        judged=[["accepted", "accepted", "accepted"]],
        deduplicated=[["accepted", "accepted", "duplicate"]],
        counted=[TWO],
        closed_minutes=-2,
    ),
    "early": Situation(
        lambda log: [
            log.batch(log.event("a", 0), passed=1),
            log.batch(log.event("b", 5), log.event("a", 0, appended=6), passed=10),
        ],
        judged=[["accepted"], ["accepted", "accepted"]],
        deduplicated=[["accepted"], ["accepted", "duplicate"]],
        counted=[ONE, TWO],
        closed_minutes=-2,
    ),
    "late": Situation(
        lambda log: [
            log.batch(log.event("a", 0), passed=70),
            log.batch(log.event("b", 59, appended=180), log.event("a", 0, appended=180), passed=181),
        ],
        judged=[["accepted"], ["accepted", "accepted"]],
        deduplicated=[["accepted"], ["accepted", "duplicate"]],
        counted=[ONE, TWO],
        closed_minutes=1,
    ),
    "too late": Situation(
        lambda log: [
            log.batch(log.event("a", 0), passed=70),
            log.batch(log.event("b", 59, appended=180.000_001), log.event("a", 0, appended=180.000_001), passed=181),
        ],
        judged=[["accepted"], ["late", "late"]],
        deduplicated=[["accepted"], ["late", "late"]],
        counted=[ONE, {}],
        closed_minutes=1,
    ),
    "idle partition": Situation(
        lambda log: [
            log.batch(log.event("a", 0), passed=1),
            log.batch(log.event("a", 0, appended=100, partition=1), passed=101),
            log.batch(passed=180.000_002),
        ],
        judged=[["accepted"], ["accepted"], []],
        deduplicated=[["accepted"], ["duplicate"], []],
        counted=[ONE, {}, {}],
        closed_minutes=1,
    ),
}
each_situation = pytest.mark.parametrize("situation", SITUATIONS.values(), ids=SITUATIONS.keys())


def fates_of(batches: list[Batch]) -> list[list[str]]:
    return [[FATES[code] for code in one.rows[FATE].to_pylist()] for one in batches]


@each_situation
def test_decode_and_judge(situation: Situation, log: Log, run: MakeRun) -> None:
    given = run()
    judged = through(DecodeAndJudge(given), situation.batches(log), given.name)
    assert fates_of(judged) == situation.judged


@each_situation
def test_deduplicate(situation: Situation, log: Log, run: MakeRun) -> None:
    given = run()
    judged = through(DecodeAndJudge(given), situation.batches(log), given.name)
    assert fates_of(through(Deduplicate(given), judged, given.name)) == situation.deduplicated


@each_situation
def test_count_live(situation: Situation, log: Log, run: MakeRun) -> None:
    given = run()
    judged = through(DecodeAndJudge(given), situation.batches(log), given.name)
    changes = through(CountLive(given), through(Deduplicate(given), judged, given.name), given.name)
    assert [cells([one]) for one in changes] == situation.counted
    assert changes[-1].marker_us == NOON_US + situation.closed_minutes * MINUTE


@each_situation
def test_live_tables(situation: Situation, log: Log, run: MakeRun) -> None:
    changes = live(situation.batches(log), run())
    assert [cells([one]) for one in changes] == situation.counted
    assert changes[-1].marker_us == NOON_US + situation.closed_minutes * MINUTE


@pytest.fixture(scope="module")
def stores(stack: Any, tmp_path_factory: pytest.TempPathFactory) -> Stores:
    """The real Cassandra, a keyspace of the module's own with all live tables, and no BigQuery."""
    own = {"cassandra_keyspace": f"s{uuid.uuid4().hex[:8]}", "home": tmp_path_factory.mktemp("home")}
    settings = stack.settings.model_copy(update=own)
    with serving_session(settings, stack.endpoints) as serving:
        create_control_tables(serving, settings)
        for table in catalog.tables().values():
            if table.is_live and table.serving:
                create_serving_table(serving, table)
    return Stores(settings, stack.endpoints, LiveRun("", 0, 0), 0, Rules())


@each_situation
def test_write_live(situation: Situation, log: Log, run: MakeRun, stores: Stores) -> None:
    """Each situation is a topic of its own, whose life has a higher number than the one before."""
    given = run()
    with serving_session(stores.settings, stores.endpoints) as serving:
        life = begin_live_run(serving, given.name)
        changes = live(situation.batches(log), given)
        writing = Stores(stores.settings, stores.endpoints, life, 0, stores.rules)
        written = through(WriteLive(writing, given.name), changes, given.name)
        assert [one.number for one in written] == [one.number for one in changes]
        marker = read_live_run(serving, given.name)
    key = {"window_start": NOON.isoformat(), "country": "DE"}
    (row,) = read(stores.settings, stores.endpoints, MINUTE_TRACK_PLAYS, key)
    stored = (row["play_count"], row["skip_count"], row["listener_count"])
    assert {(0, "DE", row["track_id"]): stored} == ({} | situation.counted[0] | situation.counted[-1])
    assert marker is not None
    assert marker.marker_us == changes[-1].marker_us
