"""gold.restatements: which periods moved after they were over, from what to what, and why.

Two versions of `gold.area_periods` are compared, the one of the last time and the present one; why they differ is found
from the versions of `silver.plays` and `silver.merged_plays` that they were computed from. What was compared last
stands in a property of the table, which is set after its rows: whoever dies in between writes the same rows again.
"""

import json
import time
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from infra import failpoints
from infra.checks import Checker
from infra.delta_writer import DeltaWriter
from infra.lake import Lake
from infra.lake_shape import consumed_beside, remember_consumed
from jobs import positions
from jobs.inputs import Inputs
from jobs.runner import Refreshed
from playback.arrow import arrow_schema
from schemas.area_statistics import AREA_PERIODS, COMPARED, EVERYWHERE, REASONS, RESTATEMENTS
from schemas.errors import MissingInputError
from schemas.model import AS_KNOWN_AT
from schemas.music_catalogue import CATALOGUE_ENTRIES
from schemas.periods import end_of
from schemas.silver import MERGED_PLAYS, PLAYS
from schemas.statistics import LISTENER_TRACK_DAYS

_KEY = ("area", "period_kind", "period_start")
Row = dict[str, Any]
Counts = Counter[tuple[date, str, str, bool]]
"""Playbacks by date, country, version of the rules, and whether they were imported."""


@dataclass(frozen=True)
class Heard:
    """What one version of the base was computed from: all playbacks, and those of them that are merged."""

    playbacks: Counts
    merged: Counts = field(default_factory=Counter)


def record_restatements(session: SparkSession, lake: Lake, checker: Checker) -> Refreshed:
    """Write down what moved since the last time, and check it; there are statistics.

    The first time nothing has moved yet. Where the versions of the last time are no longer kept, neither.
    """
    started, now = time.perf_counter(), lake.version(AREA_PERIODS)
    lake.create(RESTATEMENTS)
    before = lake.version(RESTATEMENTS)
    seen: dict[str, Any] = {"table": lake.table_id(AREA_PERIODS), "version": now}
    last = json.loads(consumed_beside(lake, RESTATEMENTS) or "{}")
    if seen.items() - last.items():
        seen |= _versions(session, lake) | {"catalogue": lake.version(CATALOGUE_ENTRIES)}
        if last.get("table") == seen["table"]:
            _write(session, lake, _moved(session, lake, last, seen), before)
            failpoints.reach("restatements.written")
        remember_consumed(lake, RESTATEMENTS, json.dumps(seen))
    version = lake.version(RESTATEMENTS)
    assert version is not None
    checker.verify(session, lake, RESTATEMENTS, version)
    return Refreshed(RESTATEMENTS, version, version != before, None, time.perf_counter() - started)


def _moved(session: SparkSession, lake: Lake, last: dict[str, Any], seen: dict[str, Any]) -> list[Row]:
    try:
        touched = lake.touched_partitions(AREA_PERIODS, last["version"], seen["version"])
        was = lake.rows(AREA_PERIODS, last["version"])
        now = lake.rows(AREA_PERIODS, seen["version"], touched)
    except MissingInputError:
        return []
    if not was.num_rows or not touched:
        return []
    known_before, known_at = (pc.max(rows[AS_KNOWN_AT.name]).as_py() for rows in (was, now))
    known_at = known_at or known_before
    within = was.filter(pc.is_in(was["slice"], pa.array(sorted(map(str, touched)))))
    rows = differences(within.to_pylist(), now.to_pylist(), known_before, known_at)
    if not rows:
        return []
    changes = _changes(session, lake, last, seen)
    is_other = _is_other_catalogue(lake, last.get("catalogue"), seen["catalogue"])
    return [row | {"reason": reason(row, changes, is_other)} for row in rows]


def differences(was: Collection[Row], now: Collection[Row], known_before: datetime, known_at: datetime) -> list[Row]:
    """Cells of periods that were over as of `known_before` and whose counts differ, without the reason."""
    old, new = ({tuple(row[name] for name in _KEY): row for row in rows} for rows in (was, now))
    found = []
    for key in sorted(old.keys() | new.keys()):
        before, after = (rows.get(key, {}) for rows in (old, new))
        is_over = end_of(key[1], key[2]) <= known_before.date()
        # What was not counted yet (a column that came later) has not moved.
        if not is_over or all(before.get(name, 0) in (None, after.get(name, 0)) for name in COMPARED):
            continue
        counts = {f"{name}_before": before.get(name, 0) for name in COMPARED}
        counts |= {name: after.get(name, 0) for name in COMPARED}
        moment = after.get(AS_KNOWN_AT.name, known_at)
        told = {"known_at": moment, "known_before": before.get(AS_KNOWN_AT.name), "restated_date": moment.date()}
        found.append(dict(zip(_KEY, key, strict=True)) | told | counts)
    return found


def reason(row: Row, changes: tuple[Heard, Heard] | None, is_other_catalogue: bool = False) -> str:
    """Why the cell moved, in the words of `REASONS`; `changes` are what was heard before and now, None: not known."""
    if changes is None:
        return "unknown"
    was, now = (_within(row, heard.playbacks) for heard in changes)
    merged_was, merged_now = (_within(row, heard.merged).total() for heard in changes)
    grown, shrunk = now - was, was - now
    deleted = sum(was.values()) > sum(now.values())
    other_rules = {key[2] for key in grown} - {key[2] for key in shrunk} if shrunk else set()
    found = {
        "late": not other_rules and any(not key[3] for key in grown),
        "import": not other_rules and any(key[3] for key in grown),
        "deletion": deleted,
        "rules": bool(other_rules),
        "merge": merged_was != merged_now,
        "catalogue": is_other_catalogue and not _follows_plays(row),
    }
    said = [word for word in REASONS if found.get(word)]
    return ", ".join(said) or "correction"


def _follows_plays(row: Row) -> bool:
    """Whether the plays of known genre moved no further than all plays did, and the same way."""
    plays, known = (row[name] - (row[f"{name}_before"] or 0) for name in ("play_count", "genre_play_count"))
    return bool(min(plays, 0) <= known <= max(plays, 0))


def _is_other_catalogue(lake: Lake, before: int | None, now: int | None) -> bool:
    return before is not None and before != now and not lake.same_rows(CATALOGUE_ENTRIES, before, now)


def _within(row: Row, counts: Counts) -> Counts:
    end = end_of(row["period_kind"], row["period_start"])
    return Counter(
        {
            key: count
            for key, count in counts.items()
            if row["period_start"] <= key[0] < end and row["area"] in (EVERYWHERE, key[1])
        }
    )


def _changes(session: SparkSession, lake: Lake, before: Row, now: Row) -> tuple[Heard, Heard] | None:
    """What was heard before and now on the days that either input has touched; None where that is no longer kept."""
    # Of merges nothing was remembered at first.
    inputs = [table for table in (PLAYS, MERGED_PLAYS) if before.get(table.full_name) is not None]
    if PLAYS not in inputs:
        return None
    try:
        if not all(lake.is_complete(table, before[table.full_name]) for table in inputs):
            return None
        touched = [lake.touched_partitions(table, before[table.full_name], now[table.full_name]) for table in inputs]
    except MissingInputError:
        return None
    days = sorted(one for one in set().union(*touched) if isinstance(one, date))
    reader, known = Inputs(session, lake), {table.full_name for table in inputs}
    was, is_now = (_heard(reader, {name: seen[name] for name in known}, days) for seen in (before, now))
    return was, is_now


def _heard(inputs: Inputs, versions: dict[str, int], days: list[date]) -> Heard:
    on_days = F.col("event_date").isin(*days)
    music = inputs.read(PLAYS, versions[PLAYS.full_name]).where((F.col("content_type") == "track") & on_days)
    if MERGED_PLAYS.full_name not in versions:
        return Heard(_counts(music))
    merged = inputs.read(MERGED_PLAYS, versions[MERGED_PLAYS.full_name]).where(on_days).select("event_date", "event_id")
    return Heard(_counts(music), _counts(music.join(merged, on=["event_date", "event_id"], how="left_semi")))


def _counts(music: DataFrame) -> Counts:
    imported = F.col("client_id").startswith("manifest:").alias("is_imported")
    counted = music.groupBy("event_date", "country", "rule_version", imported).agg(F.count(F.lit(1)).alias("playbacks"))
    return Counter({tuple(row)[:4]: row["playbacks"] for row in counted.collect()})


def _write(session: SparkSession, lake: Lake, found: list[Row], version: int | None) -> None:
    if not found:
        return
    dates = {row["restated_date"] for row in found}
    keys = {tuple(row[name] for name in RESTATEMENTS.key) for row in found}
    there = lake.rows(RESTATEMENTS, partitions=dates).to_pylist()
    kept = [row for row in there if tuple(row[name] for name in RESTATEMENTS.key) not in keys]
    rows = pa.Table.from_pylist([*kept, *found], schema=arrow_schema(RESTATEMENTS.fields))
    DeltaWriter(session, lake).replace_partitions(RESTATEMENTS, session.createDataFrame(rows), dates, version)


def _versions(session: SparkSession, lake: Lake) -> dict[str, int | None]:
    """The versions of `silver.plays` and `silver.merged_plays` that the base of the statistics was computed from."""
    consumed = positions.stored(session, lake, LISTENER_TRACK_DAYS)
    return {table.full_name: positions.version(consumed.get(table.full_name, [])) for table in (PLAYS, MERGED_PLAYS)}
