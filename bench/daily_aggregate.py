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
    with by_listener as (
        select event_date, country, track_id, user_id,
            count(*) as playbacks,
            count(*) filter (counts_as_play) as plays,
            count(*) filter (is_skip) as skips,
            sum(ms_played) as ms
        from read_parquet($file) where content_type = 'track'
        group by event_date, country, track_id, user_id
    )
    select event_date, country, track_id,
        sum(playbacks)::bigint as playback_count,
        sum(plays)::bigint as play_count,
        sum(skips)::bigint as skip_count,
        count(*) as listener_count,
        sum(ms)::bigint as played_ms,
        coalesce(sum(playbacks) filter (flagged.user_id is null), 0)::bigint as clean_playback_count,
        coalesce(sum(plays) filter (flagged.user_id is null), 0)::bigint as clean_play_count,
        coalesce(sum(skips) filter (flagged.user_id is null), 0)::bigint as clean_skip_count,
        coalesce(sum(ms) filter (flagged.user_id is null), 0)::bigint as clean_played_ms,
        count(*) filter (flagged.user_id is null) as clean_listener_count
    from by_listener left join read_parquet($flagged) flagged using (event_date, user_id)
    group by event_date, country, track_id
"""
_FLAGGED = """
    select distinct event_date, user_id from read_parquet($file) where hash(event_date, user_id) % 1000 = 0
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
        flagged = Path(folder) / "flagged.parquet"
        days = _flag_days(file, flagged)

        def side(name: str) -> Any:
            function = "pyspark_side" if name in {"sail", "spark"} else f"{name}_side"
            arguments = {"file": str(file), "flagged": str(flagged), "output": str(outputs[name])}
            return partial(
                measure_side,
                f"bench.daily_aggregate:{function}",
                arguments | ({"engine": name} if function == "pyspark_side" else {}),
            )

        costs = repeated({name: side(name) for name in names}, options.repeat)
        answers = {name: _answer(output) for name, output in outputs.items()}
    for name, answer in answers.items():
        assert answer.equals(answers["duckdb"]), f"{name} and duckdb disagree"
    note = f"{answers['duckdb'].num_rows:,} groups, equal on all sides; {days:,} flagged days"
    return results("daily_aggregate", costs, rows, "events", {"duckdb": note})


def pyspark_side(engine: str, file: str, flagged: str, output: str) -> None:
    from infra.engine import BATCH_ROWS, open_session
    from infra.settings import Settings
    from jobs.gold.daily_track_plays import counted

    with open_session(Settings(engine=engine), BATCH_ROWS) as session, work():
        cells = counted(session.read.parquet(file), session.read.parquet(flagged))
        cells.write.mode("overwrite").parquet(output)


def duckdb_side(file: str, flagged: str, output: str) -> None:
    import duckdb

    with duckdb.connect(config={"threads": THREADS}) as connection, work():
        connection.execute(f"copy ({_SQL}) to '{output}' (format parquet)", {"file": file, "flagged": flagged})


def polars_side(file: str, flagged: str, output: str) -> None:
    import os

    os.environ["POLARS_MAX_THREADS"] = str(THREADS)
    import polars as pl

    days = pl.scan_parquet(flagged).with_columns(is_flagged=True)
    tracks = pl.scan_parquet(file).filter(pl.col("content_type") == "track")
    marked = tracks.join(days, on=["event_date", "user_id"], how="left")
    is_clean = pl.col("is_flagged").is_null()
    counted = marked.group_by("event_date", "country", "track_id").agg(
        pl.len().alias("playback_count"),
        pl.col("counts_as_play").sum().alias("play_count"),
        pl.col("is_skip").sum().alias("skip_count"),
        pl.col("user_id").n_unique().alias("listener_count"),
        pl.col("ms_played").sum().alias("played_ms"),
        is_clean.sum().alias("clean_playback_count"),
        (pl.col("counts_as_play") & is_clean).sum().alias("clean_play_count"),
        (pl.col("is_skip") & is_clean).sum().alias("clean_skip_count"),
        pl.col("ms_played").filter(is_clean).sum().alias("clean_played_ms"),
        pl.col("user_id").filter(is_clean).n_unique().alias("clean_listener_count"),
    )
    with work():
        counted.sink_parquet(output)


def _flag_days(file: Path, flagged: Path) -> int:
    """Write one in a thousand days of listeners, to be taken for flagged: the simulated ones are people. How many."""
    import duckdb

    duckdb.execute(f"copy ({_FLAGGED}) to '{flagged}' (format parquet)", {"file": str(file)})
    days: int = pq.read_metadata(flagged).num_rows
    return days


def _answer(path: Path) -> pa.Table:
    schema = arrow_schema(DAILY_TRACK_PLAYS.fields)
    files = sorted(path.glob("*.parquet")) if path.is_dir() else [path]
    read = pa.concat_tables([pq.read_table(file).select(schema.names).cast(schema) for file in files])
    return read.sort_by([(name, "ascending") for name in DAILY_TRACK_PLAYS.key]).combine_chunks()
