"""Events of the simulator for measurements; what takes long to make is kept under `.tonearm/cache/bench`."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from bench.measure import ROOT
from playback.arrow import arrow_schema
from playback.classify import UNKNOWN_COUNTRY
from playback.identity import resolve_track_id
from playback.rules import apply_rules
from playback.simulator.events import World, account_names, history, live_second, make_world
from playback.simulator.parameters import Faults, Parameters
from playback.wire import encode
from schemas.silver import PLAYS

CACHE = ROOT / ".tonearm" / "cache" / "bench"
END = datetime(2026, 11, 1, tzinfo=UTC)
_COLUMNS = ("event_date", "country", "track_id", "content_type", "user_id", "counts_as_play", "is_skip", "ms_played")
_EVENTS_A_LISTENER = 100
LIVE_LISTENERS = 100_000
_APPENDED_AFTER_US = 40_000
"""How long after its end a playback of `live_log` is appended."""


LIVE_LOG = pa.schema(
    [
        ("partition", pa.int32()),
        ("offset", pa.int64()),
        ("appended_at", pa.timestamp("us", "UTC")),
        ("payload", pa.binary()),
    ]
)


def events(count: int) -> Iterator[pa.RecordBatch]:
    """The events of a history of that many playbacks in which nothing goes wrong, the same ones each time."""
    return history(world_of(count))


def world_of(count: int, faults: Faults | None = None) -> World:
    """A world in which `count` / 100 listeners play that much in 30 days."""
    listeners = max(count // _EVENTS_A_LISTENER, 1)
    parameters = Parameters(seed=1, listeners=listeners, events=count, days=30, faults=faults or Faults())
    return world_at(parameters, END)


def live_world(since: datetime, listeners: int = LIVE_LISTENERS) -> World:
    """A world of so many listeners who play from that moment on."""
    return world_at(Parameters(seed=1, listeners=listeners, days=1), since)


def world_at(parameters: Parameters, anchor: datetime) -> World:
    """The world of these parameters, with pseudonyms that are the same each time; its history ends at `anchor`."""
    pseudonyms = [blake2b(name.encode(), digest_size=16).hexdigest() for name in account_names(parameters)]
    return make_world(parameters, anchor, pseudonyms)


def plays(count: int) -> Path:
    """A parquet file of that many rows of silver.plays, of which it has the columns that daily tables read."""
    path = CACHE / f"plays-{count}.parquet"
    if path.exists():
        return path
    CACHE.mkdir(parents=True, exist_ok=True)
    schema = arrow_schema(field for name in _COLUMNS for field in PLAYS.fields if field.name == name)
    unfinished = path.with_suffix(f".{os.getpid()}")
    with pq.ParquetWriter(unfinished, schema, compression="zstd") as writer:
        for batch in events(count):
            writer.write_batch(as_played(batch, schema), row_group_size=1 << 20)
    unfinished.rename(path)
    return path


def live_log(count: int, rate: int, partitions: int) -> Path:
    """A parquet file of that many events of the present in the order of the log, `rate` of them in a second of it.

    100,000 listeners; one row an event: `partition` by listener, `offset`, `appended_at` and `payload` (Avro).
    """
    path = CACHE / f"live-{count}-{rate}-{partitions}.parquet"
    if path.exists():
        return path
    CACHE.mkdir(parents=True, exist_ok=True)
    world = live_world(END)
    sequences = np.zeros(len(world.audience.install_listeners), np.int64)
    next_offsets = np.zeros(partitions, np.int64)
    unfinished = path.with_suffix(f".{os.getpid()}")
    with pq.ParquetWriter(unfinished, LIVE_LOG, compression="zstd") as writer:
        for second in range(-(-count // rate)):
            batch, sequences = live_second(world, second, rate, sequences)
            batch = batch.slice(0, min(rate, count - second * rate))
            keys = batch["user_id"].dictionary_encode()
            by_key = np.array([int(key[:8], 16) % partitions for key in keys.dictionary.to_pylist()])
            chosen = by_key[keys.indices.to_numpy()]
            offsets = np.zeros(len(chosen), np.int64)
            for partition in range(partitions):
                rows = np.flatnonzero(chosen == partition)
                offsets[rows] = next_offsets[partition] + np.arange(len(rows))
                next_offsets[partition] += len(rows)
            appended = pc.add(batch["occurred_at"].cast(pa.int64()), _APPENDED_AFTER_US).cast(LIVE_LOG.field(2).type)
            columns = [pa.array(chosen, pa.int32()), pa.array(offsets), appended, encode(batch)]
            writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=LIVE_LOG))
    unfinished.rename(path)
    return path


def as_played(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """Events as silver has them, in the columns of `schema`."""
    day = batch.column("occurred_at").cast(pa.date32())
    ruling = apply_rules(batch, day)
    tracks = resolve_track_id(*(batch.column(name) for name in ("track_id", "artist_name", "track_title")))
    known = {
        "event_date": day,
        "counts_as_play": ruling.counts_as_play,
        "is_skip": ruling.is_skip,
        "track_id": tracks,
        "content_type": pc.if_else(tracks.is_null(), "unknown", batch.column("content_type")),
        "country": batch.column("country").fill_null(UNKNOWN_COUNTRY),
    }
    columns = [known[name] if name in known else batch.column(name) for name in schema.names]
    return pa.RecordBatch.from_arrays(columns, schema=schema)
