"""Lakes of silver tables for measurements of the statistics: a year of history, and what comes on top of it."""

import os
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from bench.data import CACHE, END, as_played, world_at
from infra.delta_writer import DeltaWriter
from infra.lake import Lake
from jobs.silver.tracks import transform as tracks_of
from playback.arrow import arrow_schema
from playback.simulator.events import history
from playback.simulator.parameters import Parameters
from schemas import catalog
from schemas.model import INPUT_POSITIONS
from schemas.silver import PLAYS, TRACKS
from schemas.statistics import LISTENER_TRACK_DAYS

READ = (
    *("event_id", "user_id", "occurred_at", "utc_offset_minutes", "track_id", "track_title", "artist_name"),
    *("album_title", "content_type", "country", "ms_played", "event_date", "counts_as_play", "is_skip"),
)
"""Columns of silver.plays that statistics read."""
LISTENERS, DAYS = 5_000, 365
IMPORTED, IMPORTED_DAYS = 150_000, 3_650
"""One listener's ten years."""
_SCHEMA = arrow_schema(field for name in READ for field in PLAYS.fields if field.name == name)


def playbacks(count: int) -> Path:
    """A parquet file of a year of that many playbacks of 5,000 listeners, as silver has them."""
    return _made(f"year-{count}", Parameters(seed=1, listeners=LISTENERS, events=count, days=DAYS), END)


def imported() -> Path:
    """A parquet file of ten years of one listener more."""
    return _made("ten-years", Parameters(seed=2, listeners=1, events=IMPORTED, days=IMPORTED_DAYS), END)


def late(count: int) -> Path:
    """A parquet file of one day of 5,000 listeners, which comes after the year that it lies in."""
    end = END - timedelta(days=100)
    return _made(f"late-{count}", Parameters(seed=1, listeners=LISTENERS, events=count, days=1), end)


def write_silver(session: SparkSession, root: Path, files: list[Path]) -> Lake:
    """What the base of the statistics reads, of these playbacks; of a lake that is there only dates they touch.

    None of them is told of twice, and no catalogue knows their tracks.
    """
    lake, writer = Lake(root), DeltaWriter(session, Lake(root))
    for name in LISTENER_TRACK_DAYS.inputs:
        lake.create(catalog.table(name))
    rows = _as_stored(session.read.parquet(*(str(file) for file in files)))
    if lake.version(PLAYS) == 0:
        writer.replace_all(PLAYS, rows)
    else:
        new = _as_stored(session.read.parquet(str(files[-1])))
        days = {row[0] for row in new.select("event_date").distinct().collect()}
        writer.stage("bench", rows.where(F.col("event_date").isin(*sorted(days))))
        writer.replace_partitions(PLAYS, writer.staged("bench", PLAYS.stored_fields), days)
    spelled = tracks_of(rows).withColumn(INPUT_POSITIONS.name, F.lit("{}"))
    writer.replace_all(TRACKS, spelled)
    return lake


def _as_stored(rows: DataFrame) -> DataFrame:
    """Columns that no statistic reads are null, or what stands for nothing."""
    nothing = {"string": "", "boolean": False, "int": 0, "long": 0, "timestamp": datetime(2026, 1, 1, tzinfo=UTC)}
    kinds = {"string": "string", "boolean": "boolean", "int": "int", "long": "bigint", "timestamp": "timestamp"}
    columns = []
    for field in PLAYS.fields:
        missing = F.lit(None if field.nullable else nothing.get(field.type)).cast(kinds.get(field.type, "string"))
        columns.append(F.col(field.name) if field.name in READ else missing.alias(field.name))
    return rows.select(*columns, F.lit("{}").alias(INPUT_POSITIONS.name))


def _made(name: str, parameters: Parameters, end: datetime) -> Path:
    path = CACHE / f"{name}.parquet"
    if path.exists():
        return path
    CACHE.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(f".{os.getpid()}")
    with pq.ParquetWriter(unfinished, _SCHEMA, compression="zstd") as writer:
        for batch in history(world_at(parameters, end)):
            writer.write_batch(_own(as_played(batch, _SCHEMA), name), row_group_size=1 << 20)
    unfinished.rename(path)
    return path


def _own(batch: pa.RecordBatch, name: str) -> pa.RecordBatch:
    """With event ids of this file's own; of an import a listener of its own too."""
    ids = [f"{name}/{one}" for one in batch.column("event_id").to_pylist()]
    batch = batch.set_column(batch.schema.get_field_index("event_id"), _SCHEMA.field("event_id"), pa.array(ids))
    if not name.startswith("ten"):
        return batch
    listener = blake2b(b"imported", digest_size=16).hexdigest()
    owner = pa.array(np.full(batch.num_rows, listener), pa.string())
    return batch.set_column(batch.schema.get_field_index("user_id"), _SCHEMA.field("user_id"), owner)
