"""Lives of the live pipeline: each has a number, and the marker that the next one starts from.

One row a topic, moved by compare-and-sets only: a pipeline that is overtaken by a later one cannot move the marker any
more, and its rows lose against the later one's (`USING TIMESTAMP`, see `live_timestamp`). Numbers rise over all topics
of the keyspace: one that is deleted and made again has another id, and its rows have to win against the old ones.
"""

# ruff: noqa: S608 - only names that the declarations and settings give are written into statements; values are bound

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from cassandra import ConsistencyLevel

from infra.serving_store.session import ServingSession, answering
from schemas.errors import SupersededError

LIVE_RUNS = """
CREATE TABLE IF NOT EXISTS "{keyspace}".live_runs (
  topic_id text PRIMARY KEY, run_number bigint, marker_us bigint, passed_us bigint, offsets map<int, bigint>,
  moved_at timestamp
) WITH comment = 'The latest run of the live pipeline on a topic, and the start of the oldest window it has not closed.'
"""
WRITES_A_RUN = 2**40
ATTEMPTS = 20
_ADDED = {"passed_us": "bigint", "offsets": "map<int, bigint>"}
"""Columns that a table of before has not."""


@dataclass(frozen=True)
class LiveRun:
    """One life of the pipeline on a topic; `marker_us` (microseconds since 1970, UTC; 0: none) is where it starts.

    When the marker was moved, the records before `offsets` were read, and with them all appended before `passed_us`.
    `moved_at` (UTC): that moment by the clock; all rows of closed windows were written before it.
    """

    topic_id: str
    number: int
    marker_us: int
    passed_us: int = 0
    offsets: dict[int, int] = field(default_factory=dict)
    moved_at: datetime | None = field(default=None, compare=False)

    def stood_since(self, days: int, now: datetime) -> bool:
        """Whether the marker was not moved for so many days."""
        return self.moved_at is not None and now - self.moved_at >= timedelta(days=days)


def live_timestamp(run_number: int, write_number: int) -> int:
    """The timestamp of a run's write: above all of earlier writes and of earlier runs, whatever their clocks say."""
    return run_number * WRITES_A_RUN + write_number


def begin_live_run(serving: ServingSession, topic_id: str) -> LiveRun:
    """Take the number after those of all topics; what runs with a lower one on this can write nothing that stays.

    Raises SupersededError when others begin all the time.
    """
    _make_table(serving)
    for _ in range(ATTEMPTS):
        found = next(_rows(serving, topic_id), None)
        run = replace(found or LiveRun(topic_id, 0, 0), number=_last_number(serving, found) + 1)
        if _is_begun(serving, run, found):
            return run
    raise SupersededError("Other live pipelines begin on this topic all the time: stop them and try again.")


def read_live_run(serving: ServingSession, topic_id: str) -> LiveRun | None:
    """The latest run of a topic, None where none ever began."""
    return next(_rows(serving, topic_id), None) if serving.columns("live_runs") else None


def move_marker(
    serving: ServingSession, run: LiveRun, marker_us: int, passed_us: int = 0, offsets: Mapping[int, int] | None = None
) -> None:
    """Say that all windows before a time are closed and written, and what was read by then.

    Raises SupersededError when a later run began.
    """
    statement = serving.prepare(
        f'UPDATE "{serving.keyspace}".live_runs SET marker_us = ?, passed_us = ?, offsets = ?, moved_at = ? '
        "WHERE topic_id = ? IF run_number = ?"
    )
    with answering():
        values = (marker_us, passed_us, dict(offsets or {}), datetime.now(UTC), run.topic_id, run.number)
        if not serving.session.execute(statement.bind(values)).was_applied:
            raise SupersededError("A later live pipeline runs on this topic: nothing is to be done, it goes on.")


def _make_table(serving: ServingSession) -> None:
    found = serving.columns("live_runs")
    with answering():
        if not found:
            serving.session.execute(LIVE_RUNS.format(keyspace=serving.keyspace))
        for name, kind in _ADDED.items():
            if found and name not in found:
                serving.session.execute(f'ALTER TABLE "{serving.keyspace}".live_runs ADD IF NOT EXISTS {name} {kind}')


def _last_number(serving: ServingSession, found: LiveRun | None) -> int:
    """The highest number of any topic; other topics' rows cannot be asked for serially, and need not be."""
    statement = f'SELECT run_number FROM "{serving.keyspace}".live_runs'
    return max([row["run_number"] for row in serving.rows(statement)] + [found.number if found else 0], default=0)


def _rows(serving: ServingSession, topic_id: str) -> Iterator[LiveRun]:
    statement = f'SELECT * FROM "{serving.keyspace}".live_runs WHERE topic_id = ?'
    for row in serving.rows(statement, (topic_id,), ConsistencyLevel.SERIAL):
        yield LiveRun(
            row["topic_id"],
            row["run_number"],
            row["marker_us"],
            row.get("passed_us") or 0,
            dict(row.get("offsets") or {}),
            row["moved_at"] and row["moved_at"].replace(tzinfo=UTC),
        )


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
