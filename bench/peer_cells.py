"""Of the Python peers of `bench.live`, in environments of their own: counting messages, and where cells go."""

import json
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

import fastavro

HEADER_BYTES = 10
BATCH_ROWS = 50
Counts = tuple[int, int, set[str]]
"""Plays, skips and listeners of a cell, whose key is its minute, country and track with a separator between them."""
Cell = tuple[datetime, str, str, int, int, int]
_SEPARATOR = "\x1f"


def reader(schema_path: str) -> Any:
    """What makes an event of a payload."""
    schema = fastavro.parse_schema(json.loads(Path(schema_path).read_text()))
    return lambda payload: fastavro.schemaless_reader(BytesIO(payload[HEADER_BYTES:]), schema, None)


def counted(events: Iterable[Any]) -> dict[str, Counts]:
    """The counts of some events, by cell."""
    cells: dict[str, Counts] = {}
    for event in events:
        minute = int(event["occurred_at"].timestamp()) // 60
        key = f"{minute}{_SEPARATOR}{event['country'] or 'ZZ'}{_SEPARATOR}{event['track_id']}"
        plays, skips, listeners = cells.get(key) or (0, 0, set())
        long, outcome = event["ms_played"] >= 30_000, event["outcome"]
        listeners.add(event["user_id"])
        cells[key] = (plays + long, skips + (outcome == "skip" or (outcome is None and not long)), listeners)
    return cells


def merged(state: Counts | None, more: Counts) -> Counts:
    """The counts of both."""
    plays, skips, listeners = state or (0, 0, set())
    listeners |= more[2]
    return plays + more[0], skips + more[1], listeners


def cell(key: str, counts: Counts) -> Cell:
    """A row."""
    minute, country, track = key.split(_SEPARATOR)
    plays, skips, listeners = counts
    return datetime.fromtimestamp(int(minute) * 60, UTC), country, track, plays, skips, len(listeners)


class Sink(Protocol):
    """Where changed cells go."""

    def write(self, cells: list[Cell]) -> None: ...

    def close(self) -> None: ...


def sink(kind: str, where: str) -> Sink:
    """Files in a folder, or Cassandra at host:port/keyspace."""
    return ToFile(Path(where) / "cells.jsonl") if kind == "files" else ToCassandra(where)


class ToFile:
    """A line of JSON for each cell."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("w")

    def write(self, cells: list[Cell]) -> None:
        names = ("window_start", "country", "track_id", "play_count", "skip_count", "listener_count")
        for start, *others in cells:
            self._file.write(json.dumps(dict(zip(names, (start.isoformat(), *others), strict=True))) + "\n")

    def close(self) -> None:
        self._file.close()


class ToCassandra:
    """Upserts in unlogged batches of one partition, 64 of them on their way, as the pipeline writes."""

    def __init__(self, where: str) -> None:
        from cassandra.cluster import Cluster

        address, _, keyspace = where.partition("/")
        host, _, port = address.partition(":")
        self._cluster = Cluster([host], port=int(port), protocol_version=5)
        self._session = self._cluster.connect(keyspace)
        self._session.default_timeout = 60.0
        self._insert = self._session.prepare(
            "INSERT INTO live_minute_track_plays (window_start, country, track_id, play_count, skip_count,"
            " listener_count) VALUES (?, ?, ?, ?, ?, ?)"
        )

    def write(self, cells: list[Cell]) -> None:
        from cassandra.concurrent import execute_concurrent
        from cassandra.query import BatchStatement, BatchType

        partitions: dict[tuple[datetime, str], list[Cell]] = defaultdict(list)
        for one in cells:
            partitions[one[:2]].append(one)
        batches = []
        for rows in partitions.values():
            remaining = iter(rows)
            while some := list(islice(remaining, BATCH_ROWS)):
                batch = BatchStatement(batch_type=BatchType.UNLOGGED)
                for row in some:
                    batch.add(self._insert, row)
                batches.append((batch, None))
        execute_concurrent(self._session, batches, concurrency=64)

    def close(self) -> None:
        self._cluster.shutdown()
