"""Three statistics on `sail` beside hand-written DuckDB with two threads, each from one parquet file to another.

From the base of a year of 5,000 listeners (`gold.listener_track_days`): the tops of each listener, the tops of each
country and of all, the hours of each listener, in all their periods. The rows of both sides are compared.
"""

import tempfile
from functools import partial
from pathlib import Path

import pyarrow.parquet as pq

from bench.daily_aggregate import THREADS
from bench.measure import Cost, measure_side, work
from bench.results import QUICK, Options, Result, repeated, results
from bench.statistics_lake import playbacks, write_silver
from schemas import catalog
from schemas.model import ReplaceSlices
from truth.compare import differences

_QUICK_PLAYBACKS, _PLAYBACKS = 200_000, 1_000_000

_IN_PERIODS = """
    with days as (select distinct event_date from read_parquet($base)),
    periods as (
        select event_date, unnest([
            {'kind': 'week', 'start': date_trunc('week', event_date)::date},
            {'kind': 'month', 'start': date_trunc('month', event_date)::date},
            {'kind': 'quarter', 'start': date_trunc('quarter', event_date)::date},
            {'kind': 'half_year', 'start': make_date(year(event_date), if(month(event_date) <= 6, 1, 7), 1)},
            {'kind': 'year', 'start': date_trunc('year', event_date)::date},
            {'kind': 'all_time', 'start': date '1970-01-01'}
        ]) as period
        from days
    ),
    base as (
        select b.*, period.kind as period_kind, period.start as period_start
        from read_parquet($base) b join periods using (event_date)
    ),
    entities as (
        select * from (
            select *,
                unnest(['track', 'artist', 'album']) as entity_type,
                unnest([track_id, artist_id, album_id]) as entity_id
            from base
        ) where entity_id <> ''
    )
"""
_SUMS = """
    sum(playback_count)::bigint as playback_count,
    sum(play_count)::bigint as play_count,
    sum(skip_count)::bigint as skip_count,
    sum(played_ms)::bigint as played_ms,
    sum(if(is_flagged, 0, playback_count))::bigint as clean_playback_count,
    sum(if(is_flagged, 0, play_count))::bigint as clean_play_count,
    sum(if(is_flagged, 0, skip_count))::bigint as clean_skip_count,
    sum(if(is_flagged, 0, played_ms))::bigint as clean_played_ms
"""
_SUMMED = ", ".join(
    f"sum({clean}{name})::bigint as {clean}{name}"
    for clean in ("", "clean_")
    for name in ("playback_count", "play_count", "skip_count", "played_ms")
)
_SHARE = "user_id[1] || if(user_id[2] < '8', '0', '8')"
_SQL = {
    "gold.listener_tops": f"""
        {_IN_PERIODS},
        cells as (
            select period_kind, period_start, user_id, entity_type, entity_id, {_SUMS}
            from entities group by all
        )
        select
            concat_ws('.', period_kind, period_start, {_SHARE}) as slice,
            row_number() over (
                partition by period_kind, period_start, user_id, entity_type order by play_count desc, entity_id
            )::int as position,
            *
        from cells where play_count > 0 qualify position <= 100
    """,
    "gold.area_tops": f"""
        {_IN_PERIODS},
        of_listeners as (
            select period_kind, period_start, country, user_id, entity_type, entity_id, {_SUMS}
            from entities group by all
        ),
        of_areas as (
            select * exclude country, country as area from of_listeners
            union all by name
            select period_kind, period_start, user_id, entity_type, entity_id, '**' as area, {_SUMMED}
            from of_listeners group by all
        ),
        cells as (
            select period_kind, period_start, area, entity_type, entity_id, {_SUMMED},
                count(*) as listener_count,
                count(*) filter (clean_playback_count > 0) as clean_listener_count
            from of_areas group by all
        )
        select
            concat_ws('.', period_kind, period_start) as slice,
            row_number() over (
                partition by period_kind, period_start, area, entity_type order by play_count desc, entity_id
            )::int as position,
            *
        from cells where play_count > 0 qualify position <= 200
    """,
    "gold.listening_hours": f"""
        {_IN_PERIODS}
        select
            concat_ws('.', period_kind, period_start, {_SHARE}) as slice,
            period_kind, period_start, user_id,
            if(local_hour < 0, 0, isodow(local_date))::int as weekday,
            local_hour as hour,
            {_SUMS}
        from base where period_kind in ('month', 'year', 'all_time') group by all
    """,
}


def run(options: Options) -> list[Result]:
    rows = _QUICK_PLAYBACKS if options.size == QUICK else _PLAYBACKS
    found: list[Result] = []
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        base = str(Path(folder) / "base")
        measure_side(
            "bench.statistics_beside_duckdb:base_side",
            {"silver": str(playbacks(rows)), "lake": str(Path(folder) / "lake"), "base": base},
        )
        for name in _SQL:
            short = name.removeprefix("gold.")
            outputs = {engine: Path(folder) / f"{short}, {engine}" for engine in ("duckdb", "sail")}
            sides = {one.name: partial(_side, engine, base, one, name) for engine, one in outputs.items()}
            costs = repeated(sides, options.repeat)
            note = f"{_rows_in_common(**outputs):,} rows, equal on both sides"
            found += results("statistics_beside_duckdb", costs, rows, "playbacks", {outputs["duckdb"].name: note})
    return found


def _side(engine: str, base: str, output: Path, name: str) -> Cost:
    arguments = {"base": base, "output": str(output), "name": name}
    return measure_side(f"bench.statistics_beside_duckdb:{engine}_side", arguments)


def base_side(silver: str, lake: str, base: str) -> None:
    """`gold.listener_track_days` of these playbacks, as a folder of parquet files."""
    from infra.checks import Checker
    from infra.engine import BATCH_ROWS, open_session
    from infra.settings import Settings
    from jobs.runner import Runner
    from schemas.statistics import LISTENER_TRACK_DAYS

    with open_session(Settings(engine="sail"), BATCH_ROWS) as session:
        made = write_silver(session, Path(lake), [Path(silver)])
        Runner(session, made, Checker(Path(f"{lake} checked"))).refresh(LISTENER_TRACK_DAYS)
        names = [field.name for field in LISTENER_TRACK_DAYS.fields if field.name != "slice"]
        session.read.format("delta").load(str(made.path(LISTENER_TRACK_DAYS))).select(*names).write.parquet(base)


def sail_side(base: str, output: str, name: str) -> None:
    from infra.engine import BATCH_ROWS, open_session
    from infra.settings import Settings
    from jobs.slice_columns import in_slices
    from jobs.transforms import transform_of

    table = catalog.table(name)
    assert isinstance(table.refresh, ReplaceSlices)
    with open_session(Settings(engine="sail"), BATCH_ROWS) as session, work():
        rows = in_slices(session.read.parquet(base), table.refresh)
        transform_of(table)(listener_track_days=rows).write.mode("overwrite").parquet(output)


def duckdb_side(base: str, output: str, name: str) -> None:
    import duckdb

    with duckdb.connect(config={"threads": THREADS}) as connection, work():
        connection.execute(f"copy ({_SQL[name]}) to '{output}' (format parquet)", {"base": f"{base}/*.parquet"})


def _rows_in_common(duckdb: Path, sail: Path) -> int:
    """How many rows both sides have; asserts that they are the same ones."""
    found = differences(duckdb, pq.read_table(sail))
    assert found.equal, f"{duckdb.name} and {sail.name} disagree: {found}"
    return found.row_count
