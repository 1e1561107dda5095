"""Tables that follow their inputs by date: sparse ones remember without rows, and some follow more than one input."""

from datetime import date

import pytest
from deltalake import DeltaTable
from deltalake.exceptions import CommitFailedError

from infra import lake_shape
from infra.lake import Lake
from jobs.backfill import plan
from jobs.gold import daily_user_plays
from jobs.runner import Runner
from jobs.silver import merged_plays
from schemas import catalog
from schemas.gold import DAILY_TRACK_PLAYS, DAILY_USER_PLAYS
from schemas.silver import MERGED_PLAYS, PLAYS, TRACKS

pytestmark = pytest.mark.parametrize("session", ["sail"], indirect=True)

EXTENDED = {"source": "spotify-extended", "track_id": "uri:1"}
BASIC = {"source": "spotify-basic", "track_id": None}


def _told_twice(event, day):
    at = f"2026-11-{day}T10:00:"
    return [
        event(f"extended {day}", occurred_at=f"{at}30Z", **EXTENDED),
        event(f"basic {day}", occurred_at=f"{at}00Z", **BASIC),
    ]


def _refresh(runner: Runner, *tables):
    return {table.name: runner.refresh(table) for table in (PLAYS, MERGED_PLAYS, *tables)}


def _merged(lake: Lake):
    return {row["event_id"]: row["kept_event_id"] for row in lake.rows(MERGED_PLAYS).to_pylist()}


def _days(lake: Lake):
    return {row["event_date"].day: row["playback_count"] for row in lake.rows(DAILY_USER_PLAYS).to_pylist()}


def test_a_table_without_a_row_knows_what_it_has_read(append, runner, lake, records, event):
    append(records(event("a", **EXTENDED)))
    first = _refresh(runner)["merged_plays"]
    append(records(event("b", occurred_at="2026-11-18T10:00:00Z", **EXTENDED), first=1))

    second, again = (_refresh(runner)["merged_plays"] for _ in range(2))

    assert (first.partitions, second.partitions, again.partitions, again.changed) == (1, 1, 0, False)
    assert _merged(lake) == {}


def test_the_second_export_is_merged_when_it_comes_and_its_dates_alone_are_read(append, runner, lake, records, event):
    (one, other), (alone, _) = (_told_twice(event, day) for day in (18, 19))
    append(records(one, alone))
    _refresh(runner)
    append(records(other, first=2))

    assert _refresh(runner)["merged_plays"].partitions == 1
    assert _merged(lake) == {"basic 18": "extended 18"}


def test_what_cannot_be_remembered_is_computed_again(append, runner, lake, records, event, monkeypatch):
    append(records(*_told_twice(event, 18)))

    def meets_another_commit(*_):
        raise CommitFailedError("another writer")

    with monkeypatch.context() as meeting:
        meeting.setattr(lake_shape, "set_property", meets_another_commit)
        _refresh(runner)
    digest = lake.digest(MERGED_PLAYS)

    assert (_refresh(runner)["merged_plays"].partitions, _refresh(runner)["merged_plays"].partitions) == (1, 0)
    assert lake.digest(MERGED_PLAYS) == digest


def test_a_table_that_follows_merges_counts_a_playback_once_and_raw_plays_stay(append, runner, lake, records, event):
    append(records(*_told_twice(event, 18)[:1], *_told_twice(event, 19)))
    _refresh(runner, DAILY_USER_PLAYS)
    before = _days(lake)
    append(records(_told_twice(event, 18)[1], first=3))
    done = _refresh(runner, DAILY_USER_PLAYS)

    assert (before, _days(lake)) == ({18: 1, 19: 1}, {18: 1, 19: 1})
    assert done["daily_user_plays"].partitions == 1
    assert lake.rows(PLAYS).num_rows == 4
    assert not _refresh(runner, DAILY_USER_PLAYS)["daily_user_plays"].changed


def test_merges_that_are_taken_back_are_followed_to_the_counts_from_before(
    append, runner, lake, records, event, monkeypatch
):
    append(records(*_told_twice(event, 18), *_told_twice(event, 19)))
    _refresh(runner, DAILY_USER_PLAYS)
    plays = lake.digest(PLAYS)
    monkeypatch.setattr(merged_plays, "RULES", ())
    runner.backfill(MERGED_PLAYS, date(2026, 11, 18), date(2026, 11, 18))

    assert _refresh(runner, DAILY_USER_PLAYS)["daily_user_plays"].partitions == 1
    assert _days(lake) == {18: 2, 19: 1}
    assert _merged(lake) == {"basic 19": "extended 19"}
    assert lake.digest(PLAYS) == plays


def _clean(lake: Lake):
    rows = lake.rows(DAILY_TRACK_PLAYS).to_pylist()
    return {(row["event_date"].day, row["country"]): row["clean_playback_count"] for row in rows}


def test_a_late_playback_that_flags_a_day_takes_the_clean_counts_of_all_tracks_of_that_day(
    append, runner, lake, records, event
):
    followed = (TRACKS, DAILY_USER_PLAYS, DAILY_TRACK_PLAYS)
    append(records(*(event(f"{day}", occurred_at=f"2026-11-{day}T10:00:00Z") for day in (18, 19))))
    _refresh(runner, *followed)
    before = _clean(lake)
    late = event("late", occurred_at="2026-11-18T20:00:00Z", country="SE", ms_played=86_400_000)
    append(records(late, first=2))

    assert _refresh(runner, *followed)["daily_track_plays"].partitions == 1
    assert before == {(18, "DE"): 1, (19, "DE"): 1}
    assert _clean(lake) == {(18, "DE"): 0, (18, "SE"): 0, (19, "DE"): 1}
    assert not _refresh(runner, *followed)["daily_track_plays"].changed


def test_days_of_which_others_are_flagged_are_followed_though_no_playback_came(
    append, runner, lake, records, event, monkeypatch
):
    followed = (TRACKS, DAILY_USER_PLAYS, DAILY_TRACK_PLAYS)
    append(records(*(event(f"{day}", occurred_at=f"2026-11-{day}T10:00:00Z") for day in (18, 19))))
    _refresh(runner, *followed)
    monkeypatch.setattr(daily_user_plays, "is_flagged_day", lambda heard, _: heard > 0)
    runner.backfill(DAILY_USER_PLAYS, date(2026, 11, 18), date(2026, 11, 18))

    assert _refresh(runner, *followed)["daily_track_plays"].partitions == 1
    assert _clean(lake) == {(18, "DE"): 0, (19, "DE"): 1}


def test_a_date_that_left_the_input_is_gone_too_where_the_log_no_longer_reaches_back(
    append, runner, lake, records, event
):
    append(records(event("a", occurred_at="2026-11-18T10:00:00Z"), event("b", occurred_at="2026-11-19T10:00:00Z")))
    _refresh(runner, DAILY_USER_PLAYS)
    plays = DeltaTable(lake.path(PLAYS))
    plays.delete("event_date = '2026-11-18'")
    plays.create_checkpoint()
    for version in range(plays.version()):
        (lake.path(PLAYS) / "_delta_log" / f"{version:020d}.json").unlink()

    runner.refresh(DAILY_USER_PLAYS)

    assert _days(lake) == {19: 1}
    assert not runner.refresh(DAILY_USER_PLAYS).changed


def test_a_backfill_rewrites_the_same_dates_of_what_follows_several_inputs(append, runner, lake, records, event):
    append(records(*_told_twice(event, 18), *_told_twice(event, 19)))
    _refresh(runner, DAILY_USER_PLAYS)
    day = date(2026, 11, 18)
    for table in catalog.lake_tables().values():
        lake.create(table)

    rewrites = plan(lake, MERGED_PLAYS.full_name, day, day, downstream=True)

    assert {one.table.name for one in rewrites if (one.first, one.last) == (day, day)} == {
        "merged_plays",
        "daily_track_plays",
        "daily_user_plays",
    }
