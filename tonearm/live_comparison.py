"""Live against batch: what gold counts more than the closed live cells is late, beyond the horizon, ahead or open.

What it counts less is merged: which plays are one playback is known only when both are there, so live counts both.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from infra.lake import Lake
from infra.local.stack import Endpoints
from infra.settings import Settings
from infra.warehouse.client import warehouse
from infra.warehouse.queries import ask
from infra.warehouse.tables import create_tables, create_view
from infra.warehouse.upsert import upsert_rows
from pipelines.progress import Progress
from pipelines.transforms.rules import ACCEPTED, Rules, judge
from playback.arrow import arrow_schema
from schemas.gold import DAILY_TRACK_PLAYS
from schemas.live import FATES, MINUTE_DAYS
from schemas.live_comparison import BATCH_DIFFERENCES, LEFT_TO_BATCH
from schemas.silver import DUPLICATES, MERGED_PLAYS, PLAYS

KEY = list(BATCH_DIFFERENCES.key)
COUNTS = ("play_count", "skip_count")


@dataclass(frozen=True)
class Comparison:
    """Rows of `live.batch_differences`."""

    rows: pa.Table

    @property
    def unexplained(self) -> int:
        """Cells in which something is left over."""
        wrong = [pc.not_equal(self.rows[f"unexplained_{name}"], 0).to_numpy() for name in COUNTS]
        return int(np.logical_or(*wrong).sum())


def compare(settings: Settings, endpoints: Endpoints, said: Progress) -> Comparison:
    """Compare the days that live has closed cells of and surely all of them, and publish the rows to BigQuery.

    `said` is what the pipeline had done before the batch run began: of windows that were closed by then the batch run
    has read every record.
    """
    live = kept_cells(settings, endpoints, said)
    days = set(live["event_date"].unique().to_pylist())
    lake = Lake(settings.lake)
    plays, gold, merged = (lake.rows(table, partitions=days) for table in (PLAYS, DAILY_TRACK_PLAYS, MERGED_PLAYS))
    left = left_to_batch(plays, lake.rows(DUPLICATES), said.rules, said.marker_us)
    rows = differences(gold, live, left, counted_by_another(plays, merged))
    if rows.num_rows:
        with warehouse(settings, endpoints) as bigquery:
            create_tables(bigquery, BATCH_DIFFERENCES)
            create_view(bigquery, BATCH_DIFFERENCES)
            # Numbers only have to rise; a comparison of the same moment has the same rows.
            upsert_rows(bigquery, BATCH_DIFFERENCES, rows, int(said.at * 1_000))
    return Comparison(rows)


def left_to_batch(plays: pa.Table, duplicates: pa.Table, rules: Rules, marker_us: int) -> pa.Table:
    """Counts of playbacks of tracks that are in no closed live cell, by day, country, track and why.

    `plays` and `duplicates` have the columns of the silver tables. The verdict is that of the pipeline's own rule on
    the accepted record; where a clock was ahead, on the first repeat that came when it no longer was.
    """
    music = plays.filter(pc.equal(plays["content_type"], "track")).combine_chunks()
    music = _as_first_seen_live(music, duplicates, rules)
    reason = pa.nulls(music.num_rows, pa.string())
    moments = {name: music[name].combine_chunks() for name in ("appended_at", "occurred_at")}
    fates = judge(pa.RecordBatch.from_pydict(moments | {"reason": reason}), rules)
    windows = rules.windows(moments["occurred_at"].cast(pa.int64()).to_numpy())
    why = np.array(FATES, object)[fates]
    why[(fates == ACCEPTED) & (windows >= marker_us)] = "open"
    counted = _with_counts(music.select(KEY).append_column("why", pa.array(why.tolist(), pa.string())), music)
    kept = counted.filter(pc.is_in(counted["why"], pa.array(LEFT_TO_BATCH)))
    return _sums(kept, [*KEY, "why"])


def counted_by_another(plays: pa.Table, merged_plays: pa.Table) -> pa.Table:
    """Counts of plays of tracks that gold leaves out, because another play of the playback is counted."""
    music = plays.filter(pc.equal(plays["content_type"], "track"))
    again = music.filter(pc.is_in(music["event_id"], merged_plays["event_id"].combine_chunks()))
    return _sums(_with_counts(again.select(KEY), again), KEY)


def _with_counts(cells: pa.Table, plays: pa.Table) -> pa.Table:
    for name, source in zip(COUNTS, ("counts_as_play", "is_skip"), strict=True):
        cells = cells.append_column(name, plays[source].cast(pa.int64()))
    return cells


def _sums(counted: pa.Table, keys: list[str]) -> pa.Table:
    sums = counted.group_by(keys).aggregate([(name, "sum") for name in COUNTS])
    return sums.rename_columns([*keys, *COUNTS])


def _as_first_seen_live(music: pa.Table, duplicates: pa.Table, rules: Rules) -> pa.Table:
    """The playbacks with the append time of the record that live looks at: the first that is not ahead."""
    appended, occurred = (music[name].cast(pa.int64()).to_numpy().copy() for name in ("appended_at", "occurred_at"))
    ahead = np.flatnonzero(occurred > appended + rules.max_ahead_us)
    if not len(ahead):
        return music
    places = dict(zip(music["event_id"].take(pa.array(ahead)).to_pylist(), ahead.tolist(), strict=True))
    same = duplicates.filter(pc.is_in(duplicates["event_id"], pa.array(list(places), pa.string())))
    repeats = zip(same["appended_at"].cast(pa.int64()).to_pylist(), same["event_id"].to_pylist(), strict=True)
    for again, event_id in sorted(repeats):
        place = places[event_id]
        if occurred[place] > appended[place] + rules.max_ahead_us:
            appended[place] = again
    index = music.schema.get_field_index("appended_at")
    return music.set_column(index, "appended_at", pa.array(appended).cast(pa.timestamp("us", "UTC"))).combine_chunks()


def differences(gold: pa.Table, live: pa.Table, left: pa.Table, merged: pa.Table) -> pa.Table:
    """Rows of `live.batch_differences` from gold's rows and live's sums by day.

    `left` are the counts of `left_to_batch`, `merged` those of `counted_by_another`.
    """
    found = gold.select([*KEY, *COUNTS])
    parts = {"live": live, "merged": merged} | {why: left.filter(pc.equal(left["why"], why)) for why in LEFT_TO_BATCH}
    for prefix, part in parts.items():
        named = part.select([*KEY, *COUNTS]).rename_columns([*KEY, *(f"{prefix}_{name}" for name in COUNTS)])
        found = found.join(named, keys=KEY, join_type="full outer")
    for name in found.column_names[len(KEY) :]:
        found = found.set_column(found.column_names.index(name), name, found[name].fill_null(0))
    for name in COUNTS:
        rest = found[name]
        for prefix in parts:
            rest = (pc.add if prefix == "merged" else pc.subtract)(rest, found[f"{prefix}_{name}"])
        found = found.append_column(f"unexplained_{name}", rest)
    schema = arrow_schema(BATCH_DIFFERENCES.fields)
    return found.select(schema.names).cast(schema)


def kept_cells(settings: Settings, endpoints: Endpoints, said: Progress) -> pa.Table:
    """Sums of the closed cells by day, country and track, as analysts see them, of days that are surely whole.

    BigQuery drops a day when it likes once its retention is over: what is compared is kept for another day.
    """
    first = datetime.fromtimestamp(said.at, UTC).date() - timedelta(days=MINUTE_DAYS - 2)
    before = datetime.fromtimestamp(said.marker_us / 1e6, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    answer = ask(
        settings,
        endpoints,
        "SELECT DATE(window_start) AS event_date, country, track_id, SUM(play_count), SUM(skip_count) "  # noqa: S608
        f"FROM {settings.bigquery_dataset_prefix}live.minute_track_plays "
        f"WHERE window_start >= TIMESTAMP '{first} 00:00:00 UTC' AND window_start < TIMESTAMP '{before}' "
        "GROUP BY 1, 2, 3",
    )
    columns = list(zip(*answer.rows, strict=True)) or [()] * (len(KEY) + len(COUNTS))
    days = [day if isinstance(day, date) else date.fromisoformat(str(day)) for day in columns[0]]
    arrays = [pa.array(days, pa.date32()), *(pa.array(column, pa.string()) for column in columns[1:3])]
    arrays += [pa.array(column, pa.int64()) for column in columns[3:]]
    return pa.Table.from_arrays(arrays, names=[*KEY, *COUNTS])
