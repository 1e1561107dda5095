"""The composite transforms of the live pipeline: batches of records in, changes of live tables out.

State is in the memory of one process, in the order of the log, and is rebuilt by reading again from the marker: neither
a runner's state nor a committed offset is trusted (ADR 0015).
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from apache_beam.pvalue import PCollection

from pipelines.transforms.cells import EMPTY_CELLS, OpenWindows, atoms_of
from pipelines.transforms.charts import NO_CHARTS, RollingCharts
from pipelines.transforms.duplicates import SeenEvents
from pipelines.transforms.elements import Batch, Changes, InOrder, in_memory
from pipelines.transforms.failures import telling
from pipelines.transforms.keys import id_hashes
from pipelines.transforms.open_sessions import OpenSessions
from pipelines.transforms.records import MinuteRecords, dead_letters
from pipelines.transforms.rules import ACCEPTED, DEAD_LETTER, DUPLICATE, MINUTE_US, Rules, judge
from pipelines.transforms.sessions import NO_SESSIONS, heard
from playback.classify import classify
from playback.framing import WriterSchemas
from schemas.live import COUNTRY_CHARTS, DEAD_LETTERS, MINUTE_RECORDS, MINUTE_USER_SESSIONS

FATE = "fate"
MOST_READING = 5.0
"""For how many times `flush_seconds` a log is read on to its end before changes are given out."""
Batches: TypeAlias = "PCollection[Batch]"
_KEPT = (
    *("topic_id", "partition", "offset", "topic", "appended_at", "appended_date", "event_id", "occurred_at", "user_id"),
    *("device_id", "track_id", "artist_name", "country", "content_type", "counts_as_play", "is_skip"),
    *("reason", "detail", "payload"),
)
"""Of what a record says, what live tables need."""
_OF_MUSIC = (
    *("event_id", "occurred_at", "user_id", "device_id", "track_id", "artist_name", "country"),
    *("counts_as_play", "is_skip"),
)
"""Of that, what is counted."""


@dataclass(frozen=True)
class Run:
    """One life of the pipeline: `name` is its own, it starts from `marker_us` (0: there is none) under `rules`.

    `flush_seconds`: how often changes of open windows are given out; 0: with every batch. `recent`: the closed cells of
    `live.minute_track_plays` that charts may still need. `charted`: keys of the charts' rows that are stored.
    `sessions`: how the sessions stood at the marker that may still go on. `schemas`: what the ids of a schema registry
    name, None where there is none.
    """

    name: str
    marker_us: int = 0
    rules: Rules = field(default_factory=Rules)
    flush_seconds: float = 2.0
    recent: pa.Table = field(default_factory=lambda: EMPTY_CELLS)
    charted: pa.Table = field(default_factory=lambda: NO_CHARTS)
    sessions: pa.Table = field(default_factory=lambda: NO_SESSIONS)
    schemas: WriterSchemas | None = None


class DecodeAndJudge(beam.PTransform["Batches", "Batches"]):
    """Records of the ledger → what they say, and a fate for each: dead letter, late, …, or accepted so far."""

    def __init__(self, run: Run) -> None:
        super().__init__()
        self._run = run

    def expand(self, batches: Any) -> Any:
        """One element for each."""
        return batches | beam.Map(_judged, self._run).with_output_types(Batch)


class Deduplicate(beam.PTransform["Batches", "Batches"]):
    """Judged batches → the same, where a repeat of an event counts as one."""

    def __init__(self, run: Run) -> None:
        super().__init__()
        self._run = run

    def expand(self, batches: Any) -> Any:
        """One element for each, in the order of the log."""
        return batches | beam.ParDo(_Deduplicate(self._run)).with_output_types(Batch)


class CountLive(beam.PTransform["Batches", "PCollection[Changes]"]):
    """Batches with final fates → changes of the live tables: early results, restated until a window closes."""

    def __init__(self, run: Run) -> None:
        super().__init__()
        self._run = run

    def expand(self, batches: Any) -> Any:
        """Fewer elements than batches: changes are gathered."""
        return batches | beam.ParDo(_CountLive(self._run)).with_output_types(Changes)


class LiveTables(beam.PTransform["Batches", "PCollection[Changes]"]):
    """Batches of records, as the source reads them → changes of the live tables."""

    def __init__(self, run: Run) -> None:
        super().__init__()
        self._run = run

    def expand(self, batches: Any) -> Any:
        """The three steps, one after another."""
        return (
            batches
            | "DecodeAndJudge" >> DecodeAndJudge(self._run)
            | "Deduplicate" >> Deduplicate(self._run)
            | "CountLive" >> CountLive(self._run)
        )


def _judged(batch: Batch, run: Run) -> Batch:
    with telling(run.name):
        return judged(batch, run.rules, run.schemas)


def judged(batch: Batch, rules: Rules, schemas: WriterSchemas | None = None) -> Batch:
    """The batch with what its records say and a fate for each; marks are no records of their own.

    `schemas` as `playback.wire.decode` takes it.
    """
    rows = batch.rows
    marks = pc.and_(pc.and_(rows["high_water"].is_valid(), rows["sequence"].is_null()), rows["payload"].is_null())
    classified = classify(rows.filter(pc.invert(marks)) if pc.any(marks).as_py() else rows, schemas)
    fates = judge(classified, rules)
    return replace(batch, rows=classified.select(list(_KEPT)).append_column(FATE, pa.array(fates)))


class _Deduplicate(beam.DoFn):
    def __init__(self, run: Run) -> None:
        self._run = run

    def process(self, batch: Batch) -> Iterator[Batch]:
        order = in_memory(self._run.name, "deduplicate.order", InOrder[Batch])
        minutes = self._run.rules.memory_minutes
        seen = in_memory(self._run.name, "deduplicate.seen", lambda: SeenEvents(minutes))
        with telling(self._run.name), order.lock:
            yield from [deduplicated(one, seen) for one in order.put(batch)]


def deduplicated(batch: Batch, seen: SeenEvents) -> Batch:
    """The judged batch in which repeats of what was seen are duplicates."""
    fates = batch.rows[FATE].to_numpy().copy()
    offered = np.flatnonzero(fates == ACCEPTED)
    event_ids = batch.rows["event_id"]
    if len(offered) < batch.rows.num_rows:
        event_ids = event_ids.take(pa.array(offered))
    appended_us = batch.rows["appended_at"].cast(pa.int64()).to_numpy()[offered]
    repeats = seen.repeats(id_hashes(event_ids), appended_us)
    fates[offered[repeats]] = DUPLICATE
    return replace(batch, rows=batch.rows.set_column(batch.rows.schema.get_field_index(FATE), FATE, pa.array(fates)))


class LiveState:
    """What `CountLive` holds in memory, and what it gives out."""

    def __init__(self, run: Run, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin; `clock` says when it is time to give changes out, in seconds."""
        self._run, self._clock = run, clock
        self._exact_from_us = run.rules.exact_from_us(run.marker_us)
        self._windows = OpenWindows(since_us=run.marker_us)
        self._records = MinuteRecords(since_us=self._exact_from_us)
        self._sessions = OpenSessions(run.marker_us, run.sessions, run.rules)
        self._letters: list[pa.Table] = []
        self._charts = RollingCharts(run.recent, run.charted)
        self._marker_us = run.marker_us
        self._number = self._count_of_records = self._count_of_letters = 0
        self._given = self._written = clock()
        self._is_written = True

    def add(self, batch: Batch) -> Changes | None:
        """Count a batch with final fates; returns changes when it is time for them.

        Until all that was on the topic at the start has been read, only what can no longer change is given out: an
        open window would go back to fewer plays than readers have seen.
        """
        if not self._is_written:
            # The next batch comes when they are.
            self._written, self._is_written = self._clock(), True
        self._count(batch.rows)
        marker_us = max(self._marker_us, self._run.rules.marker_us(batch.passed_us))
        if marker_us == self._marker_us and not (batch.caught_up and self._is_due(batch)):
            return None
        # Before a marker moves, all that it lets us forget is in the same element.
        until_us = None if batch.caught_up else marker_us
        rows = self._windows.changes(until_us)
        rows[MINUTE_USER_SESSIONS.full_name] = self._sessions.changes(until_us)
        over_us = batch.passed_us // MINUTE_US * MINUTE_US
        rows[MINUTE_RECORDS.full_name] = self._records.changes(None if batch.caught_up else over_us)
        if self._letters:
            rows[DEAD_LETTERS.full_name] = pa.concat_tables(self._letters)
        self._letters = []
        self._charts.add(self._windows.close(marker_us))
        self._sessions.close(marker_us)
        charts, gone = self._charts.changes(marker_us) if batch.caught_up else (NO_CHARTS, NO_CHARTS)
        rows[COUNTRY_CHARTS.full_name] = charts
        self._records.forget(batch.passed_us)
        self._marker_us, self._number = marker_us, self._number + 1
        self._given, self._is_written = self._clock(), False
        filled = {name: table for name, table in rows.items() if table.num_rows}
        changes = Changes(
            number=self._number - 1,
            passed_us=batch.passed_us,
            marker_us=marker_us,
            rows=filled,
            gone={COUNTRY_CHARTS.full_name: gone} if gone.num_rows else {},
            caught_up=batch.caught_up,
            offsets=batch.offsets,
            records=self._count_of_records,
            dead_letters=self._count_of_letters,
        )
        self._count_of_records = self._count_of_letters = 0
        return changes

    def _is_due(self, batch: Batch) -> bool:
        """A store that is slow is given fewer and larger changes: first, all that came meanwhile is read and counted.

        Where that takes longer than `MOST_READING`, more comes than can be read, and readers are to see something.
        """
        now = self._clock()
        may_read_on = not batch.at_end and now - self._written < MOST_READING * self._run.flush_seconds
        return now - self._given >= self._run.flush_seconds and not may_read_on

    def _count(self, rows: pa.RecordBatch) -> None:
        appended_us, fates = rows["appended_at"].cast(pa.int64()).to_numpy(), rows[FATE].to_numpy()
        self._records.add(appended_us, rows["partition"].to_numpy(), fates)
        self._count_of_records += rows.num_rows
        self._count_of_letters += int((fates == DEAD_LETTER).sum())
        is_music = pc.and_(pa.array(fates == ACCEPTED), pc.equal(rows["content_type"], "track").fill_null(False))
        music = rows.select(list(_OF_MUSIC)).filter(is_music)
        if music.num_rows:
            self._windows.add(atoms_of(music, self._run.rules.window_us))
            self._sessions.add(heard(music))
        letters = dead_letters(rows, np.where(appended_us >= self._exact_from_us, fates, ACCEPTED))
        if letters.num_rows:
            self._letters.append(letters)


class _CountLive(beam.DoFn):
    def __init__(self, run: Run) -> None:
        self._run = run

    def process(self, batch: Batch) -> Iterator[Changes]:
        order = in_memory(self._run.name, "count.order", InOrder[Batch])
        with telling(self._run.name), order.lock:
            state = in_memory(self._run.name, "count.state", lambda: LiveState(self._run))
            yield from [changes for one in order.put(batch) if (changes := state.add(one))]
