"""Live against batch: what gold counts more than the closed live cells is late, beyond the horizon, ahead or open.

What it counts less is merged: which plays are one playback is known only when both are there, so live counts both.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from infra.checks import Checker
from infra.kafka.offsets import append_times
from infra.lake import Lake
from infra.local.stack import Endpoints
from infra.serving_store.live_runs import read_live_run
from infra.serving_store.session import serving_session
from infra.settings import Settings
from infra.warehouse.client import warehouse
from infra.warehouse.queries import ask
from infra.warehouse.tables import create_tables, create_view, table_exists
from infra.warehouse.upsert import upsert_rows
from jobs import followed, positions
from jobs.ingest import playback_topic
from pipelines.progress import read_progress
from pipelines.transforms.rules import ACCEPTED, Rules, judge
from playback.arrow import arrow_schema
from schemas.bronze import PLAYBACK_EVENTS
from schemas.errors import CheckFailedError
from schemas.gold import DAILY_TRACK_PLAYS
from schemas.live import FATES, MINUTE_DAYS, MINUTE_TRACK_PLAYS
from schemas.live_comparison import BATCH_DIFFERENCES, LEFT_TO_BATCH
from schemas.model import Table
from schemas.silver import DUPLICATES, MERGED_PLAYS, PLAYS

DIFFER = "Live and batch differ: `tonearm sql` shows where, in live.batch_differences."
KEY = list(BATCH_DIFFERENCES.key)
COUNTS = ("play_count", "skip_count")
_CELLS = arrow_schema(BATCH_DIFFERENCES.field(name) for name in (*KEY, *COUNTS))


@dataclass(frozen=True)
class Comparison:
    """Rows of `live.batch_differences`."""

    rows: pa.Table

    @property
    def unexplained(self) -> int:
        """Cells in which something is left over."""
        wrong = [pc.not_equal(self.rows[f"unexplained_{name}"], 0).to_numpy() for name in COUNTS]
        return int(np.logical_or(*wrong).sum())

    def require_explained(self) -> None:
        """Raise CheckFailedError where something is left over."""
        if self.unexplained:
            raise CheckFailedError(DIFFER)


@dataclass(frozen=True)
class Batch:
    """What the batch run has made: a version of gold that passed its checks, and of the plays that it was made of."""

    lake: Lake
    gold_version: int
    inputs: followed.Versions

    def rows(self, table: Table, days: set[date]) -> pa.Table:
        """Rows of these days as gold has read them, or has them."""
        version = self.gold_version if table is DAILY_TRACK_PLAYS else self.inputs.get(table.full_name)
        return self.lake.rows(table, version, days)

    def read(self, topic_id: str) -> dict[int, int]:
        """The next offset of each partition of that topic: all records before it are among what gold was made of."""
        plays = self.inputs.get(PLAYS.full_name)
        found = {} if plays is None else positions.in_rows(self.lake, PLAYS, plays)
        named = positions.offsets(found.get(PLAYBACK_EVENTS.full_name, []))
        split = ((name.rpartition("/"), offset) for name, offset in named.items())
        return {int(partition): offset for (topic, _, partition), offset in split if topic == topic_id}


def compare(settings: Settings, endpoints: Endpoints) -> Comparison:
    """Compare the days that live has closed cells of and surely all of them, and publish the rows to BigQuery.

    `tonearm run --live` and a scheduler call it, after gold was refreshed; other runs may be at work. Without rows
    there was nothing to compare. Raises StoreUnavailableError where a store does not answer.
    """
    moment, batch, said = datetime.now(UTC), made_by_batch(settings), read_progress(settings.home)
    rules = said.rules if said else Rules()
    closed_us = closed_for_both(settings, endpoints, batch, rules) if batch else 0
    if batch is None or not closed_us:
        return Comparison(arrow_schema(BATCH_DIFFERENCES.fields).empty_table())
    live = kept_cells(settings, endpoints, closed_us, moment)
    days = set(live["event_date"].unique().to_pylist())
    plays, gold, merged = (batch.rows(table, days) for table in (PLAYS, DAILY_TRACK_PLAYS, MERGED_PLAYS))
    left = left_to_batch(plays, batch.lake.rows(DUPLICATES), rules, closed_us)
    rows = differences(gold, live, left, counted_by_another(plays, merged))
    if rows.num_rows:
        with warehouse(settings, endpoints) as bigquery:
            create_tables(bigquery, BATCH_DIFFERENCES)
            create_view(bigquery, BATCH_DIFFERENCES)
            # Numbers only have to rise; a comparison of the same moment has the same rows.
            upsert_rows(bigquery, BATCH_DIFFERENCES, rows, int(moment.timestamp() * 1_000))
    return Comparison(rows)


def made_by_batch(settings: Settings) -> Batch | None:
    """The latest version of gold that passed its checks, with what it was made of; None where there is none."""
    version = Checker(settings.home).passed_version(DAILY_TRACK_PLAYS)
    if version is None:
        return None
    lake = Lake(settings.lake)
    made_of = positions.in_rows(lake, DAILY_TRACK_PLAYS, version)
    return Batch(lake, version, followed.furthest(DAILY_TRACK_PLAYS, made_of))


def closed_for_both(settings: Settings, endpoints: Endpoints, batch: Batch, rules: Rules) -> int:
    """Where windows begin that are open for one of both, in microseconds; 0: live has closed none.

    Live has closed, in both stores, those before its marker. Batch has read every record of those that were over when
    the first record was appended that it has not read.
    """
    topic = playback_topic(settings, endpoints)
    with serving_session(settings, endpoints) as serving:
        run = read_live_run(serving, topic.topic_id)
    if run is None or not run.marker_us:
        return 0
    # Asked after the marker was read: what is appended from now on is of no window before it.
    unread_us = append_times(topic.consumer, topic.name, batch.read(topic.topic_id)).values()
    return min([run.marker_us, *map(rules.marker_us, unread_us)])


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


def kept_cells(settings: Settings, endpoints: Endpoints, closed_us: int, moment: datetime) -> pa.Table:
    """Sums of the cells before `closed_us` by day, country and track, as analysts see them, of days surely whole.

    BigQuery drops a day when it likes once its retention is over at the `moment` (UTC): what is compared is kept for
    another day.
    """
    with warehouse(settings, endpoints) as bigquery:
        if not table_exists(bigquery, MINUTE_TRACK_PLAYS):
            return _CELLS.empty_table()
    first = moment.date() - timedelta(days=MINUTE_DAYS - 2)
    before = datetime.fromtimestamp(closed_us / 1e6, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    answer = ask(
        settings,
        endpoints,
        "SELECT DATE(window_start) AS event_date, country, track_id, SUM(play_count), SUM(skip_count) "  # noqa: S608
        f"FROM {settings.bigquery_dataset_prefix}live.minute_track_plays "
        f"WHERE window_start >= TIMESTAMP '{first} 00:00:00 UTC' AND window_start < TIMESTAMP '{before}' "
        "GROUP BY 1, 2, 3",
    )
    columns = list(zip(*answer.rows, strict=True)) or [()] * len(_CELLS)
    days = [day if isinstance(day, date) else date.fromisoformat(str(day)) for day in columns[0]]
    arrays = [pa.array(column, field.type) for column, field in zip([days, *columns[1:]], _CELLS, strict=True)]
    return pa.Table.from_arrays(arrays, schema=_CELLS)
