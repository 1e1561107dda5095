"""Closed cells of live tables, read back when the live pipeline begins again."""

# ruff: noqa: S608 - only names that the declarations and settings give are written into statements; values are bound

from datetime import UTC, datetime, timedelta

import pyarrow as pa
from cassandra.concurrent import execute_concurrent_with_args

from infra.serving_store.session import CONCURRENCY, ServingSession, answering
from playback.arrow import arrow_schema
from schemas.live import MINUTE_TRACK_PLAYS
from schemas.render.cassandra import table_name

_EPOCH = datetime(1970, 1, 1)
_SCHEMA = arrow_schema(MINUTE_TRACK_PLAYS.fields)


def closed_track_plays(serving: ServingSession, from_us: int, until_us: int) -> pa.Table:
    """Rows of `live.minute_track_plays` of windows from a time until another (microseconds since 1970, UTC).

    Looks at the partition keys of the whole table, and reads those partitions only.
    """
    table = f'"{serving.keyspace}"."{table_name(MINUTE_TRACK_PLAYS)}"'
    bounds = [_EPOCH + timedelta(microseconds=moment) for moment in (from_us, until_us)]
    partitions = [
        (row["window_start"], row["country"])
        for row in serving.rows(f"SELECT DISTINCT window_start, country FROM {table}")
        if bounds[0] <= row["window_start"] < bounds[1]
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
