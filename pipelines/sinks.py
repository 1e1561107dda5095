"""Where changes of live tables go: Cassandra at once, BigQuery at most once a minute, then the marker beside them.

Dead letters go to a topic too.
"""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

import apache_beam as beam
import pyarrow as pa
from apache_beam.pvalue import PCollection

from infra import failpoints
from infra.kafka.dead_letter_topic import DeadLetterTopic
from infra.local.stack import Endpoints
from infra.serving_store.live_runs import LiveRun, live_timestamp, move_marker
from infra.serving_store.rows import delete_rows, write_rows
from infra.serving_store.session import serving_session
from infra.settings import Settings
from infra.warehouse.client import warehouse
from infra.warehouse.upsert import newest, upsert_rows
from pipelines.progress import write_progress
from pipelines.transforms.elements import Changes, InOrder, in_memory
from pipelines.transforms.failures import telling
from pipelines.transforms.rules import Rules
from schemas import catalog
from schemas.errors import StoreUnavailableError
from schemas.live import DEAD_LETTERS

PATIENCE_SECONDS = 600.0
"""How long a store may be away: nothing is read meanwhile, and then the pipeline ends, to start from its marker."""
MOST_WAITING_ROWS = 2_000_000
"""Rows that may wait for BigQuery; then nothing is read on."""
_LOOK_AGAIN_SECONDS = 1.0
T = TypeVar("T")


@dataclass(frozen=True)
class Stores:
    """Where one run writes; `bigquery_seconds`: how often to BigQuery at most, 0 for never."""

    settings: Settings
    endpoints: Endpoints
    run: LiveRun
    bigquery_seconds: float
    rules: Rules


class WriteLive(beam.PTransform["PCollection[Changes]", "PCollection[Changes]"]):
    """Writes changes in their order and hands on what is written; `name` is the run's own."""

    def __init__(self, stores: Stores, name: str) -> None:
        super().__init__()
        self._writer = _WriteLive(stores, name)

    def expand(self, changes: "PCollection[Changes]") -> "PCollection[Changes]":
        """One element for each."""
        written: PCollection[Changes] = changes | beam.ParDo(self._writer).with_output_types(Changes)
        return written


class Writer:
    """One process's way to the stores."""

    def __init__(self, stores: Stores) -> None:
        self._run = stores.run
        self._marker_us = stores.run.marker_us
        self._open = ExitStack()
        self._serving = self._open.enter_context(serving_session(stores.settings, stores.endpoints))
        self._letters = self._open.enter_context(DeadLetterTopic(stores.settings, stores.endpoints.kafka_bootstrap))
        self._warehouse = MicroBatches(stores) if stores.bigquery_seconds else None

    def write(self, changes: Changes) -> None:
        """Upsert all rows, and only then move the marker; a store that is away is waited for.

        The marker moves past what both stores have, so that a run after this one brings back what only one has.

        Raises:
            SupersededError: a later run of the pipeline has begun.
            StoreUnavailableError: a store is away for longer than `PATIENCE_SECONDS`.
        """
        failpoints.reach("live.before_rows")
        timestamp = live_timestamp(self._run.number, changes.number)
        for name, rows in changes.rows.items():
            patiently(partial(write_rows, self._serving, catalog.table(name), rows, timestamp))
            failpoints.reach("live.table_written", name)
        if letters := changes.rows.get(DEAD_LETTERS.full_name):
            patiently(partial(self._letters.send, letters))
        for name, keys in changes.gone.items():
            patiently(partial(delete_rows, self._serving, catalog.table(name), keys, timestamp))
        failpoints.reach("live.after_rows")
        written = self._warehouse.add(changes) if self._warehouse else changes
        if written and written.marker_us > self._marker_us:
            failpoints.reach("live.before_marker")
            cut = (written.marker_us, written.passed_us, written.offsets)
            patiently(partial(move_marker, self._serving, self._run, *cut))
            self._marker_us = written.marker_us
            failpoints.reach("live.after_marker")


class MicroBatches:
    """Gathers changes for BigQuery and sends them in the background, one load after another.

    By BigQuery's client: Beam's WriteToBigQuery reaches no emulator unless its addresses and credentials are patched.
    """

    def __init__(self, stores: Stores) -> None:
        self._stores = stores
        self._client = ExitStack().enter_context(warehouse(stores.settings, stores.endpoints))
        self._pool = ThreadPoolExecutor(1)
        self._waiting: dict[str, list[pa.Table]] = {}
        self._rows = 0
        self._sending: Future[Changes] | None = None
        self._sent_at = 0.0
        self._written: Changes | None = None

    def add(self, changes: Changes) -> Changes | None:
        """Take changes; returns the last ones that are in BigQuery, without their rows. Raises what a load raised."""
        for name, rows in changes.rows.items():
            if catalog.table(name).warehouse:
                self._waiting.setdefault(name, []).append(rows)
                self._rows += rows.num_rows
        if self._sending and (self._sending.done() or self._rows > MOST_WAITING_ROWS):
            self._written = self._sending.result()
            self._sending = None
        if self._sending is None and time.monotonic() - self._sent_at >= self._stores.bigquery_seconds:
            self._sending = self._pool.submit(self._send, self._waiting, changes)
            self._waiting, self._rows, self._sent_at = {}, 0, time.monotonic()
        return self._written

    def _send(self, waiting: dict[str, list[pa.Table]], changes: Changes) -> Changes:
        number = live_timestamp(self._stores.run.number, changes.number)
        for name, gathered in waiting.items():
            table = catalog.table(name)
            patiently(partial(upsert_rows, self._client, table, newest(table, gathered), number))
        failpoints.reach("live.after_bigquery")
        return replace(changes, rows={}, gone={})


def patiently(write: Callable[[], T]) -> T:
    """Do an idempotent write again until the store answers."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return write()
        except StoreUnavailableError:
            if time.monotonic() > deadline:
                raise
            time.sleep(_LOOK_AGAIN_SECONDS)


class _WriteLive(beam.DoFn):
    def __init__(self, stores: Stores, name: str) -> None:
        self._stores = stores
        self._name = name

    def process(self, changes: Changes) -> Iterator[Changes]:
        order = in_memory(self._name, "write.order", InOrder[Changes])
        with telling(self._name), order.lock:
            writer = in_memory(self._name, "write.writer", lambda: Writer(self._stores))
            for one in order.put(changes):
                writer.write(one)
                write_progress(self._stores.settings.home, self._stores.run.number, self._stores.rules, one)
                yield one
