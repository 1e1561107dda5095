"""Closed cells of live tables, read back when the live pipeline begins again."""

# ruff: noqa: S608 - only names that the declarations and settings give are written into statements; values are bound

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice

import pyarrow as pa
from cassandra.concurrent import execute_concurrent_with_args

from infra.serving_store.rows import plain
from infra.serving_store.session import CONCURRENCY, ServingSession, answering
from playback.arrow import arrow_schema
from schemas.live import MINUTE_TRACK_PLAYS, MINUTE_USER_SESSIONS
from schemas.render.cassandra import table_name

_ROWS_AT_ONCE = 50_000
_EPOCH = datetime(1970, 1, 1)
_SCHEMA = arrow_schema(MINUTE_TRACK_PLAYS.fields)
_SESSIONS = arrow_schema(MINUTE_USER_SESSIONS.fields)


def closed_track_plays(serving: ServingSession, from_us: int, until_us: int) -> pa.Table:
    """Rows of `live.minute_track_plays` of windows from a time until another (microseconds since 1970, UTC).

    The index on window_start finds the partitions. Among all of the table's are those whose rows have expired, of which
    Cassandra looks at so many only before it refuses.
    """
    table = f'"{serving.keyspace}"."{table_name(MINUTE_TRACK_PLAYS)}"'
    bounds = [_EPOCH + timedelta(microseconds=moment) for moment in (from_us, until_us)]
    partitions = [
        (row["window_start"], row["country"])
        for row in serving.rows(
            f"SELECT window_start, country FROM {table} WHERE window_start >= ? AND window_start < ? "
            "PER PARTITION LIMIT 1",
            bounds,
        )
    ]
    names = ", ".join(f'"{name}"' for name in _SCHEMA.names)
    statement = serving.prepare(f"SELECT {names} FROM {table} WHERE window_start = ? AND country = ?")
    found: dict[str, list[object]] = {name: [] for name in _SCHEMA.names}
    with answering():
        results = execute_concurrent_with_args(
            serving.session, statement, partitions, concurrency=CONCURRENCY, results_generator=True
        )
        for _, rows in results:
            for row in rows:
                row["window_start"] = row["window_start"].replace(tzinfo=UTC)
                for name, values in found.items():
                    values.append(row[name])
    return pa.table(found, schema=_SCHEMA)


def latest_sessions(serving: ServingSession, from_us: int, until_us: int) -> pa.Table:
    """Of each listener the latest row of `live.minute_user_sessions` of windows from a time until another.

    The index on window_start finds them; what else the table holds is not looked at.
    """
    table = f'"{serving.keyspace}"."{table_name(MINUTE_USER_SESSIONS)}"'
    bounds = [_EPOCH + timedelta(microseconds=moment) for moment in (from_us, until_us)]
    names = ", ".join(f'"{name}"' for name in _SESSIONS.names)
    found = serving.rows(
        f"SELECT {names} FROM {table} WHERE window_start >= ? AND window_start < ? PER PARTITION LIMIT 1", bounds
    )
    return pa.Table.from_batches(_in_batches(found), _SESSIONS)


def _in_batches(rows: Iterator[dict[str, object]]) -> Iterator[pa.RecordBatch]:
    while chunk := list(islice(rows, _ROWS_AT_ONCE)):
        plain_rows = [{name: plain(value) for name, value in row.items()} for row in chunk]
        yield pa.RecordBatch.from_pylist(plain_rows, _SESSIONS)
