"""The daily aggregate on both engines beside hand-written DuckDB and Polars, on the same file with two threads."""

import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from bench.data import plays
from bench.measure import measure_side, work
from bench.results import QUICK, Options, Result, repeated, results
from infra.local.java import machine_java
from playback.arrow import arrow_schema
from schemas.gold import DAILY_TRACK_PLAYS

THREADS = 2
_SQL = """
    select event_date, country, track_id,
        count(*) as playback_count,
        count(*) filter (counts_as_play) as play_count,
        count(*) filter (is_skip) as skip_count,
        count(distinct user_id) as listener_count,
        sum(ms_played)::bigint as played_ms
    from read_parquet($file) where content_type = 'track'
    group by event_date, country, track_id
"""


def run(options: Options) -> list[Result]:
    rows = 500_000 if options.size == QUICK else 5_000_000
    file = plays(rows)
    java = machine_java()
    # Its start alone takes longer than a quick look may.
    with_spark = options.size != QUICK and java is not None and java.is_full
    names = ["duckdb", "polars", "sail"] + (["spark"] if with_spark else [])
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        outputs = {name: Path(folder) / name for name in names}

        def side(name: str) -> Any:
            function = "pyspark_side" if name in {"sail", "spark"} else f"{name}_side"
            arguments = {"file": str(file), "output": str(outputs[name])}
            return partial(
                measure_side,
                f"bench.daily_aggregate:{function}",
                arguments | ({"engine": name} if function == "pyspark_side" else {}),
            )

        costs = repeated({name: side(name) for name in names}, options.repeat)
        answers = {name: _answer(output) for name, output in outputs.items()}
    for name, answer in answers.items():
        assert answer.equals(answers["duckdb"]), f"{name} and duckdb disagree"
    note = f"{answers['duckdb'].num_rows:,} groups, equal on all sides"
    return results("daily_aggregate", costs, rows, "events", {"duckdb": note})


def pyspark_side(engine: str, file: str, output: str) -> None:
    from infra.engine import BATCH_ROWS, open_session
    from infra.settings import Settings
    from jobs.gold.daily_track_plays import counted

    with open_session(Settings(engine=engine), BATCH_ROWS) as session, work():
        counted(session.read.parquet(file)).write.mode("overwrite").parquet(output)


def duckdb_side(file: str, output: str) -> None:
    import duckdb

    with duckdb.connect(config={"threads": THREADS}) as connection, work():
        connection.execute(f"copy ({_SQL}) to '{output}' (format parquet)", {"file": file})


def polars_side(file: str, output: str) -> None:
    import os

    os.environ["POLARS_MAX_THREADS"] = str(THREADS)
    import polars as pl

    tracks = pl.scan_parquet(file).filter(pl.col("content_type") == "track")
    counted = tracks.group_by("event_date", "country", "track_id").agg(
        pl.len().alias("playback_count"),
        pl.col("counts_as_play").sum().alias("play_count"),
        pl.col("is_skip").sum().alias("skip_count"),
        pl.col("user_id").n_unique().alias("listener_count"),
        pl.col("ms_played").sum().alias("played_ms"),
    )
    with work():
        counted.sink_parquet(output)


def _answer(path: Path) -> pa.Table:
    schema = arrow_schema(DAILY_TRACK_PLAYS.fields)
    files = sorted(path.glob("*.parquet")) if path.is_dir() else [path]
    read = pa.concat_tables([pq.read_table(file).select(schema.names).cast(schema) for file in files])
    return read.sort_by([(name, "ascending") for name in DAILY_TRACK_PLAYS.key]).combine_chunks()
