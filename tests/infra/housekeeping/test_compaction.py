"""Compaction of small tables: files become fewer and no row changes."""

from collections.abc import Callable
from datetime import date, timedelta

import pytest
from deltalake import DeltaTable, write_deltalake

from infra.housekeeping import Compaction, compact
from infra.leftovers import Removal
from schemas.bronze import PLAYBACK_EVENTS
from schemas.gold import DAILY_TRACK_PLAYS
from tests.infra.housekeeping.conftest import DAY, Shelf, rows


def test_small_files_of_a_date_become_one_and_every_row_stays(shelf: Shelf) -> None:
    for track in "cab":
        shelf.put(DAY, track)
    shelf.put(date(2026, 1, 2), "d")
    before = shelf.lake.digest(DAILY_TRACK_PLAYS)

    assert compact(shelf.lake, DAILY_TRACK_PLAYS) == Compaction(files=3, into=1)

    assert shelf.lake.digest(DAILY_TRACK_PLAYS) == before
    assert len(shelf.lake.file_sizes(DAILY_TRACK_PLAYS)) == 2
    assert DeltaTable(shelf.lake.path(DAILY_TRACK_PLAYS)).protocol()[:2] == (1, 2)


def test_rows_of_compacted_files_lie_in_the_declared_order(shelf: Shelf) -> None:
    for track in "cab":
        shelf.put(DAY, track)

    compact(shelf.lake, DAILY_TRACK_PLAYS)

    assert shelf.lake.rows(DAILY_TRACK_PLAYS)["track_id"].to_pylist() == ["a", "b", "c"]


def test_what_is_compacted_is_left_alone(shelf: Shelf) -> None:
    for track in "ab":
        shelf.put(DAY, track)
    compact(shelf.lake, DAILY_TRACK_PLAYS)
    version = shelf.version

    assert compact(shelf.lake, DAILY_TRACK_PLAYS) == Compaction()
    assert shelf.version == version


def test_more_dates_than_one_commit_takes_are_all_compacted(shelf: Shelf) -> None:
    days = [DAY + timedelta(days=number) for number in range(101)]
    given = [{"event_date": day, "track_id": "a", "country": "DE"} for day in days]
    shelf.lake.create(DAILY_TRACK_PLAYS)
    for _ in range(2):
        write_deltalake(shelf.lake.path(DAILY_TRACK_PLAYS), rows(DAILY_TRACK_PLAYS, *given), mode="append")

    assert compact(shelf.lake, DAILY_TRACK_PLAYS) == Compaction(files=202, into=101)
    assert shelf.tracks() == ["a"] * 202


def test_a_table_without_dates_is_compacted_as_a_whole_headers_and_bytes_included(shelf: Shelf) -> None:
    shelf.lake.create(PLAYBACK_EVENTS)
    for offset in (0, 1):
        one = rows(PLAYBACK_EVENTS, {"offset": offset, "payload": b"\xff", "headers": [{"key": "k", "value": None}]})
        write_deltalake(shelf.lake.path(PLAYBACK_EVENTS), one, mode="append")
    before = shelf.lake.digest(PLAYBACK_EVENTS)

    assert compact(shelf.lake, PLAYBACK_EVENTS) == Compaction(files=2, into=1)

    assert shelf.lake.digest(PLAYBACK_EVENTS) == before


@pytest.mark.parametrize("make", [lambda _: None, lambda shelf: shelf.lake.create(DAILY_TRACK_PLAYS)])
def test_of_nothing_there_is_nothing_to_do(shelf: Shelf, make: Callable[[Shelf], None]) -> None:
    make(shelf)

    assert compact(shelf.lake, DAILY_TRACK_PLAYS) == Compaction()
    assert shelf.vacuum() == Removal()


def test_a_dry_run_says_how_much_and_does_nothing(shelf: Shelf) -> None:
    first, second = shelf.put(DAY, "a"), shelf.put(DAY, "b", mode="overwrite")
    shelf.put(DAY, "c")
    shelf.age(8, first, second)
    version = shelf.version

    assert compact(shelf.lake, DAILY_TRACK_PLAYS, dry_run=True) == Compaction(files=2)
    would = shelf.vacuum(dry_run=True)

    assert shelf.version == version
    assert shelf.tracks(first) == ["a"]
    assert shelf.vacuum() == would


def test_compaction_touches_no_date_and_a_change_after_it_touches_its_own(shelf: Shelf) -> None:
    before = [shelf.put(DAY, track) for track in "ab"][-1]
    compact(shelf.lake, DAILY_TRACK_PLAYS)
    compacted = shelf.version
    changed = shelf.put(date(2026, 1, 2), "c")

    assert shelf.lake.touched_partitions(DAILY_TRACK_PLAYS, before, compacted) == set()
    assert shelf.lake.touched_partitions(DAILY_TRACK_PLAYS, before, changed) == {date(2026, 1, 2)}
    assert shelf.lake.same_rows(DAILY_TRACK_PLAYS, before, compacted)
    assert not shelf.lake.same_rows(DAILY_TRACK_PLAYS, before, changed)


def test_a_row_that_is_taken_out_and_put_back_counts_as_a_change(shelf: Shelf) -> None:
    before = shelf.put(DAY, "a", "b")
    table = DeltaTable(shelf.lake.path(DAILY_TRACK_PLAYS))
    table.delete("track_id = 'a'")
    taken = shelf.version
    table.restore(before)

    assert not shelf.lake.same_rows(DAILY_TRACK_PLAYS, before, taken)
    assert not shelf.lake.same_rows(DAILY_TRACK_PLAYS, taken, shelf.version)
