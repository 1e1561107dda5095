"""A table of an older declaration, made by an engine, is widened; then both engines write it, read it and fill it."""

from dataclasses import replace

import pytest
from deltalake import DeltaTable
from pyspark.sql import functions as F

from infra.checks import Checker
from infra.delta_writer import DeltaWriter
from infra.lake_shape import declared_shape, found_shape, is_to_be_recomputed, migrate
from jobs.gold import daily_track_plays, daily_user_plays
from schemas.bronze import PLAYBACK_EVENTS
from schemas.checks import Between
from schemas.counts import LISTENER_COUNT, clean_at_most
from schemas.drift import drift
from schemas.errors import CheckFailedError
from schemas.gold import DAILY_TRACK_PLAYS, DAILY_USER_PLAYS
from schemas.model import Field, ReplaceDates
from schemas.silver import MERGED_PLAYS, PLAYS, TRACKS
from schemas.statistics import CLEAN_CHECKS

MEAN = Field("mean_ms", "long", "Milliseconds of a playback.", nullable=True)
WIDER = replace(DAILY_USER_PLAYS, fields=(*DAILY_USER_PLAYS.fields[:2], MEAN, *DAILY_USER_PLAYS.fields[2:]))
FULL = {"occurred_at": "2026-11-18T10:00:00Z", "ms_played": 86_400_000}


@pytest.fixture
def append(session, lake, records, event):
    """Append events to the ledger; the nth call has the nth offset on."""
    written = []

    def add(*given):
        lake.create(PLAYBACK_EVENTS)
        batch = records(*(event(**one) for one in given), first=len(written))
        version = lake.version(PLAYBACK_EVENTS)
        DeltaWriter(session, lake).append_ledger(
            PLAYBACK_EVENTS, session.createDataFrame(batch), "T", {0: len(written)}, version
        )
        written.extend(given)

    return add


@pytest.fixture
def filling(monkeypatch):
    """The transform of the wider table."""
    before = daily_user_plays.transform

    def transform(plays, merged_plays):
        mean = (F.col("played_ms") / F.col("playback_count")).cast("bigint")
        return before(plays, merged_plays).withColumn("mean_ms", mean)

    monkeypatch.setattr(daily_user_plays, "transform", transform)


def _widen(lake, checker, table):
    changes = drift(table.full_name, declared_shape(table), found_shape(lake, checker, table))
    migrate(lake, table, [change for change in changes if change.verdict == "migrate"])


@pytest.mark.slow_on_spark
def test_an_added_column_is_filled_in_every_row_there_is(runner, lake, tmp_path, append, request):
    append({"event_id": "a"}, {"event_id": "b", "occurred_at": "2026-11-18T10:00:00Z", "ms_played": 60_000})
    runner.refresh(PLAYS)
    runner.refresh(MERGED_PLAYS)
    runner.refresh(DAILY_USER_PLAYS)
    before = lake.digest(DAILY_USER_PLAYS)
    request.getfixturevalue("filling")
    _widen(lake, Checker(tmp_path), WIDER)
    append({"event_id": "c", "ms_played": 20_000})
    runner.refresh(PLAYS)
    runner.refresh(MERGED_PLAYS)

    refreshed = runner.refresh(WIDER)

    days = {str(row["event_date"]): (row["mean_ms"], row["playback_count"]) for row in lake.rows(WIDER).to_pylist()}
    assert days == {"2026-11-18": (60_000, 1), "2026-11-19": (100_000, 2)}
    assert refreshed.partitions == 2
    assert not is_to_be_recomputed(lake, WIDER)
    assert not runner.refresh(WIDER).changed
    assert DeltaTable(lake.path(WIDER)).protocol()[:2] == (1, 2)
    assert lake.digest(DAILY_USER_PLAYS) != before


def _without_clean(table):
    """The table as it was before it had clean counts, and the names of these."""
    names = [one.name for one in table.fields if one.name.startswith("clean_")]
    later = (*CLEAN_CHECKS, *clean_at_most(LISTENER_COUNT))
    fields = tuple(one for one in table.fields if one.name not in names)
    return replace(table, fields=fields, checks=tuple(one for one in table.checks if one not in later)), names


@pytest.mark.slow_on_spark
def test_the_days_of_a_lake_without_clean_counts_have_them_after_the_next_run(
    runner, lake, tmp_path, append, monkeypatch
):
    (narrower, names), before = _without_clean(DAILY_USER_PLAYS), daily_user_plays.transform
    append({"event_id": "a", "ms_played": 40_000}, FULL | {"event_id": "b"}, FULL | {"event_id": "c"})
    runner.refresh(PLAYS)
    runner.refresh(MERGED_PLAYS)
    with monkeypatch.context() as older:
        older.setattr(
            daily_user_plays, "transform", lambda plays, merged_plays: before(plays, merged_plays).drop(*names)
        )
        runner.refresh(narrower)
    _widen(lake, Checker(tmp_path), DAILY_USER_PLAYS)

    runner.refresh(DAILY_USER_PLAYS)

    days = lake.rows(DAILY_USER_PLAYS).to_pylist()
    assert {str(row["event_date"]): (row["clean_playback_count"], row["clean_played_ms"]) for row in days} == {
        "2026-11-18": (0, 0),
        "2026-11-19": (1, 40_000),
    }


@pytest.mark.slow_on_spark
def test_the_tracks_of_a_lake_in_which_they_did_not_follow_days_of_listeners_have_clean_counts_after_the_next_run(
    runner, lake, tmp_path, append, monkeypatch, frame
):
    (narrower, names), before = _without_clean(DAILY_TRACK_PLAYS), daily_track_plays.transform
    followed = ("silver.merged_plays",)
    narrower = replace(narrower, inputs=("silver.plays", *followed), refresh=ReplaceDates(also=followed))
    append({"event_id": "a", "ms_played": 40_000}, FULL | {"event_id": "b"}, FULL | {"event_id": "c"})
    for table in (PLAYS, TRACKS, MERGED_PLAYS):
        runner.refresh(table)
    with monkeypatch.context() as older:
        none = frame(DAILY_USER_PLAYS)
        older.setattr(
            daily_track_plays, "transform", lambda plays, merged_plays: before(plays, merged_plays, none).drop(*names)
        )
        runner.refresh(narrower)
    _widen(lake, Checker(tmp_path), DAILY_TRACK_PLAYS)
    runner.refresh(DAILY_USER_PLAYS)

    assert runner.refresh(DAILY_TRACK_PLAYS).partitions == 2

    rows = lake.rows(DAILY_TRACK_PLAYS).to_pylist()
    assert {str(row["event_date"]): (row["clean_listener_count"], row["clean_played_ms"]) for row in rows} == {
        "2026-11-18": (0, 0),
        "2026-11-19": (1, 40_000),
    }
    assert not runner.refresh(DAILY_TRACK_PLAYS).changed


@pytest.mark.slow_on_spark
def test_events_of_both_versions_are_merged_into_silver_of_version_1(runner, lake, tmp_path, append):
    narrower = replace(
        PLAYS, fields=tuple(one for one in PLAYS.fields if one.name not in ("shuffle", "private_session"))
    )
    lake.create(narrower)
    _widen(lake, Checker(tmp_path), PLAYS)
    append({"event_id": "a"}, {"event_id": "b", "shuffle": True, "private_session": False})

    runner.refresh(PLAYS)
    runner.refresh(MERGED_PLAYS)

    rows = {row["event_id"]: (row["shuffle"], row["private_session"]) for row in lake.rows(PLAYS).to_pylist()}
    assert rows == {"a": (None, None), "b": (True, False)}
    assert DeltaTable(lake.path(PLAYS)).protocol()[:2] == (1, 2)


@pytest.mark.slow_on_spark
def test_tightened_checks_are_asked_of_rows_that_did_not_change(runner, lake, append, tmp_path):
    append({"event_id": "a"})
    runner.refresh(PLAYS)
    runner.refresh(MERGED_PLAYS)
    passed = runner.refresh(DAILY_USER_PLAYS).version
    tighter = replace(DAILY_USER_PLAYS, checks=(*DAILY_USER_PLAYS.checks, Between("played_ms", 0, 1_000)))

    with pytest.raises(CheckFailedError, match="played_ms"):
        runner.refresh(tighter)

    assert Checker(tmp_path).passed_version(tighter) == passed
    assert not runner.refresh(DAILY_USER_PLAYS).changed
