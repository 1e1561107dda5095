"""The auditor as tests call it, clients that send what they like, and rows picked at random."""

import json
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from confluent_kafka import Producer
from deltalake import DeltaTable
from pyspark.sql import SparkSession

from infra.checks import Checker
from infra.kafka.manifests import Manifest, read_manifests
from infra.kafka.producer import PlaybackProducer
from jobs.balance import Balance, balance
from jobs.ingest import ingest, playback_topic
from jobs.manifests import record_manifests
from jobs.runner import Runner
from jobs.store_counts import Cells, counts_in_stores
from playback.simulator.parameters import Faults
from schemas import catalog
from schemas.bronze import PLAYBACK_EVENTS
from schemas.errors import CheckFailedError
from schemas.gold import EVENT_BALANCE
from tonearm.simulation import simulate, simulation_of

EVENTS = 100_000
DROPPED = 7
NOISE = Faults(retries=0.003, malformed=0.003)
LEDGER, PLAYS = "bronze.playback_events", "silver.plays"
CELLS = {
    "gold.daily_track_plays": ("event_date", "country", "track_id"),
    "gold.daily_user_plays": ("event_date", "user_id"),
}


def play_with_losses(made: Any) -> list[tuple[str, int]]:
    """Play a history of which seven messages never come to Kafka; returns installation and number of each."""
    dropped: set[tuple[str, int]] = set()
    send = PlaybackProducer.send_messages

    def swallowing(self: PlaybackProducer, messages: pa.RecordBatch) -> None:
        names = list(zip(messages["install_id"].to_pylist(), messages["sequence"].to_pylist(), strict=True))
        if not dropped:
            dropped.update(random.Random(7).sample(sorted(name for name in set(names) if name[1] is not None), DROPPED))
        send(self, messages.filter(pa.array([name not in dropped for name in names])))

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(PlaybackProducer, "send_messages", swallowing)
        played = simulation_of(made.settings.home, NOISE, events=EVENTS, listeners=500, days=10)
        assert simulate(made.settings, made.endpoints.kafka_bootstrap, played) is not None
    return sorted(dropped)


@dataclass
class Auditor:
    """What the end of a run does, one part at a time: a trial audits what it can have changed."""

    made: Any
    dropped: list[tuple[str, int]]
    session: SparkSession
    stores: dict[tuple[str, str], Cells] = field(default_factory=dict)

    @property
    def runner(self) -> Runner:
        return Runner(self.session, self.made.lake, Checker(self.made.settings.home))

    def sheet(self, before: list[Manifest] | None = None) -> Balance:
        """The sheet of the lake and the stores as they were asked last; raises CheckFailedError as a run does."""
        self.runner.refresh(EVENT_BALANCE)
        known = read_manifests(self.made.settings.home)
        return balance(self.session, self.made.lake, known if before is None else before, known, self.stores)

    def finds_something(self) -> bool:
        try:
            return not self.sheet().adds_up
        except CheckFailedError as said:
            assert "do not add up, see `tonearm balance`" in str(said)
            return True

    def ask_stores(self) -> None:
        self.stores = counts_in_stores(self.made.settings, self.made.endpoints)

    def take_in(self) -> Balance:
        """What a run does before it publishes, and the sheet without the stores, which it would bring up to date."""
        settings = self.made.settings
        before = read_manifests(settings.home)
        ingest(self.session, self.made.lake, playback_topic(settings, self.made.endpoints))
        record_manifests(self.session, self.made.lake, Checker(settings.home), before)
        self.runner.refresh_all()
        self.stores = {}
        return self.sheet(before)


@contextmanager
def hidden(auditor: Auditor, name: str) -> Iterator[DeltaTable]:
    """The table, to be changed; afterwards its rows are as they were."""
    table = DeltaTable(auditor.made.lake.path(catalog.table(name)))
    before = table.version()
    yield table
    table.update_incremental()
    table.restore(before)


def one_of(auditor: Auditor, name: str, chance: random.Random) -> pa.Table:
    """A random row of a table, as it is stored."""
    rows = auditor.made.lake.rows(catalog.table(name))
    return rows.slice(chance.randrange(rows.num_rows), 1)


def where(row: pa.Table, *columns: str) -> str:
    (values,) = row.select(columns).to_pylist()
    literals = {name: f"DATE '{value}'" if name == "event_date" else repr(value) for name, value in values.items()}
    return " AND ".join(f"{name} = {literal}" for name, literal in literals.items())


def record_of(auditor: Auditor, chance: random.Random) -> pa.Table:
    """A random record of the ledger that is no mark."""
    records = auditor.made.lake.rows(PLAYBACK_EVENTS)
    records = records.filter(pc.is_null(records["high_water"]))
    return records.slice(chance.randrange(records.num_rows), 1)


class Phones:
    """Clients that send what they like, as the topic has it: with their own headers and without a manifest."""

    def __init__(self, made: Any) -> None:
        self._topic = made.settings.playback_topic
        self._producer = Producer({"bootstrap.servers": made.endpoints.kafka_bootstrap, "linger.ms": 0})

    def send(self, install_id: str | None, sequence: int | None, event: bytes | None, **headers: Any) -> None:
        given = {"install_id": install_id, "sequence": sequence, **headers}
        encoded = [(name, str(value).encode()) for name, value in given.items() if value is not None]
        self._producer.produce(self._topic, event, b"0" * 32, headers=encoded)

    def flush(self) -> None:
        assert self._producer.flush(30) == 0


def event(event_id: str, **fields: Any) -> bytes:
    usual = {"event_id": event_id, "source": "test", "user_id": "0" * 32, "occurred_at": "2026-11-01T10:00:00Z"}
    usual |= {"content_type": "track", "track_id": "test:track:1", "ms_played": 180_000, "country": "DE"}  # type: ignore[dict-item]
    return json.dumps(usual | fields).encode()
