"""Lives of the live pipeline: each has a number, and the marker that the next one starts from.

One row a topic, moved by compare-and-sets only: a pipeline that is overtaken by a later one cannot move the marker any
more, and its rows lose against the later one's (`USING TIMESTAMP`, see `live_timestamp`).
"""

# ruff: noqa: S608 - only names that the declarations and settings give are written into statements; values are bound

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from cassandra import ConsistencyLevel

from infra.serving_store.session import ServingSession, answering
from schemas.errors import SupersededError

LIVE_RUNS = """
CREATE TABLE IF NOT EXISTS "{keyspace}".live_runs (
  topic_id text PRIMARY KEY, run_number bigint, marker_us bigint, moved_at timestamp
) WITH comment = 'The latest run of the live pipeline on a topic, and the start of the oldest window it has not closed.'
"""
WRITES_A_RUN = 2**40
ATTEMPTS = 20


@dataclass(frozen=True)
class LiveRun:
    """One life of the pipeline on a topic; `marker_us` (microseconds since 1970, UTC; 0: none) is where it starts."""

    topic_id: str
    number: int
    marker_us: int


def live_timestamp(run_number: int, write_number: int) -> int:
    """The timestamp of a run's write: above all of earlier writes and of earlier runs, whatever their clocks say."""
    return run_number * WRITES_A_RUN + write_number


def begin_live_run(serving: ServingSession, topic_id: str) -> LiveRun:
    """Take the next number; what runs with a lower one can write nothing that stays.

    Raises SupersededError when others begin all the time.
    """
    with answering():
        if not serving.columns("live_runs"):
            serving.session.execute(LIVE_RUNS.format(keyspace=serving.keyspace))
    for _ in range(ATTEMPTS):
        found = next(_rows(serving, topic_id), None)
        run = LiveRun(topic_id, found.number + 1 if found else 1, found.marker_us if found else 0)
        if _is_begun(serving, run, found):
            return run
    raise SupersededError("Other live pipelines begin on this topic all the time: stop them and try again.")


def read_live_run(serving: ServingSession, topic_id: str) -> LiveRun | None:
    """The latest run of a topic, None where none ever began."""
    return next(_rows(serving, topic_id), None) if serving.columns("live_runs") else None


def move_marker(serving: ServingSession, run: LiveRun, marker_us: int) -> None:
    """Say that all windows before a time are closed and written; raises SupersededError when a later run began."""
    statement = serving.prepare(
        f'UPDATE "{serving.keyspace}".live_runs SET marker_us = ?, moved_at = ? WHERE topic_id = ? IF run_number = ?'
    )
    with answering():
        values = (marker_us, datetime.now(UTC), run.topic_id, run.number)
        if not serving.session.execute(statement.bind(values)).was_applied:
            raise SupersededError("A later live pipeline runs on this topic: nothing is to be done, it goes on.")


def _rows(serving: ServingSession, topic_id: str) -> Iterator[LiveRun]:
    statement = f'SELECT topic_id, run_number, marker_us FROM "{serving.keyspace}".live_runs WHERE topic_id = ?'
    for row in serving.rows(statement, (topic_id,), ConsistencyLevel.SERIAL):
        yield LiveRun(row["topic_id"], row["run_number"], row["marker_us"])


def _is_begun(serving: ServingSession, run: LiveRun, before: LiveRun | None) -> bool:
    table = f'"{serving.keyspace}".live_runs'
    with answering():
        if before is None:
            made = serving.prepare(
                f"INSERT INTO {table} (topic_id, run_number, marker_us, moved_at) VALUES (?, ?, ?, ?) IF NOT EXISTS"
            )
            values = (run.topic_id, run.number, run.marker_us, datetime.now(UTC))
            return bool(serving.session.execute(made.bind(values)).was_applied)
        moved = serving.prepare(f"UPDATE {table} SET run_number = ? WHERE topic_id = ? IF run_number = ?")
        return bool(serving.session.execute(moved.bind((run.number, run.topic_id, before.number))).was_applied)
