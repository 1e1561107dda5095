"""Where changes of live tables go: Cassandra, then the marker beside them."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TypeVar

import apache_beam as beam
from apache_beam.pvalue import PCollection

from infra import failpoints
from infra.local.stack import Endpoints
from infra.serving_store.live_runs import LiveRun, live_timestamp, move_marker
from infra.serving_store.rows import write_rows
from infra.serving_store.session import ServingSession, serving_session
from infra.settings import Settings
from pipelines.transforms.elements import Changes, InOrder, in_memory
from schemas import catalog
from schemas.errors import StoreUnavailableError

PATIENCE_SECONDS = 600.0
"""How long a store may be away: nothing is read meanwhile, and then the pipeline ends, to start from its marker."""
_LOOK_AGAIN_SECONDS = 1.0
T = TypeVar("T")


class WriteLive(beam.PTransform["PCollection[Changes]", "PCollection[Changes]"]):
    """Writes changes in their order and hands on what is written."""

    def __init__(self, settings: Settings, endpoints: Endpoints, run: LiveRun, name: str) -> None:
        super().__init__()
        self._writer = _WriteLive(settings, endpoints, run, name)

    def expand(self, changes: "PCollection[Changes]") -> "PCollection[Changes]":
        """One element for each."""
        written: PCollection[Changes] = changes | beam.ParDo(self._writer).with_output_types(Changes)
        return written


class Writer:
    """One process's way to the stores."""

    def __init__(self, settings: Settings, endpoints: Endpoints, run: LiveRun) -> None:
        self._run = run
        self._marker_us = run.marker_us
        self._open = ExitStack()
        self._serving: ServingSession = self._open.enter_context(serving_session(settings, endpoints))

    def write(self, changes: Changes) -> None:
        """Upsert all rows, and only then move the marker; a store that is away is waited for.

        Raises:
            SupersededError: a later run of the pipeline has begun.
            StoreUnavailableError: a store is away for longer than `PATIENCE_SECONDS`.
        """
        failpoints.reach("live.before_rows")
        timestamp = live_timestamp(self._run.number, changes.number)
        for name, rows in changes.rows.items():
            patiently(lambda name=name, rows=rows: write_rows(self._serving, catalog.table(name), rows, timestamp))  # type: ignore[misc]
        failpoints.reach("live.after_rows")
        if changes.marker_us > self._marker_us:
            failpoints.reach("live.before_marker")
            patiently(lambda: move_marker(self._serving, self._run, changes.marker_us))
            self._marker_us = changes.marker_us
            failpoints.reach("live.after_marker")


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
    def __init__(self, settings: Settings, endpoints: Endpoints, run: LiveRun, name: str) -> None:
        self._settings = settings
        self._endpoints = endpoints
        self._run = run
        self._name = name

    def process(self, changes: Changes) -> Iterator[Changes]:
        order = in_memory(self._name, "write.order", InOrder[Changes])
        writer = in_memory(self._name, "write.writer", lambda: Writer(self._settings, self._endpoints, self._run))
        with order.lock:
            for one in order.put(changes):
                writer.write(one)
                yield one
