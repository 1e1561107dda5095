"""Events of the simulator for measurements; what takes long to make is kept under `.tonearm/cache/bench`."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from bench.measure import ROOT
from playback.arrow import arrow_schema
from playback.classify import UNKNOWN_COUNTRY
from playback.identity import resolve_track_id
from playback.rules import apply_rules
from playback.simulator.events import World, account_names, history, make_world
from playback.simulator.parameters import Faults, Parameters
from schemas.silver import PLAYS

CACHE = ROOT / ".tonearm" / "cache" / "bench"
_END = datetime(2026, 11, 1, tzinfo=UTC)
_COLUMNS = ("event_date", "country", "track_id", "content_type", "user_id", "counts_as_play", "is_skip", "ms_played")
_EVENTS_A_LISTENER = 100


def events(count: int) -> Iterator[pa.RecordBatch]:
    """The events of a history of that many playbacks in which nothing goes wrong, the same ones each time."""
    return history(world_of(count))


def world_of(count: int, faults: Faults | None = None) -> World:
    """A world in which `count` / 100 listeners play that much in 30 days."""
    listeners = max(count // _EVENTS_A_LISTENER, 1)
    parameters = Parameters(seed=1, listeners=listeners, events=count, days=30, faults=faults or Faults())
    pseudonyms = [blake2b(name.encode(), digest_size=16).hexdigest() for name in account_names(parameters)]
    return make_world(parameters, _END, pseudonyms)


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
            writer.write_batch(_as_played(batch, schema), row_group_size=1 << 20)
    unfinished.rename(path)
    return path


def _as_played(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    day = batch.column("occurred_at").cast(pa.date32())
    ruling = apply_rules(batch.column("outcome"), batch.column("ms_played"), day)
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
