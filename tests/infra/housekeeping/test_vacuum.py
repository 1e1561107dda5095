"""Vacuum, leftovers and sizes of small tables: no version goes that is still to be read."""

from datetime import timedelta

import pytest
from deltalake import DeltaTable

from infra.housekeeping import compact, vacuum
from infra.leftovers import Removal, remove_leftovers
from infra.table_sizes import measure
from schemas.bronze import PLAYBACK_EVENTS
from schemas.errors import MissingInputError
from schemas.gold import DAILY_TRACK_PLAYS
from tests.infra.housekeeping.conftest import DAY, WEEK, Shelf, set_back


def test_a_version_that_was_current_within_the_retention_stays(shelf: Shelf) -> None:
    first, second, third = (shelf.put(DAY, track, mode="overwrite") for track in "abc")
    shelf.age(8, first, second)
    shelf.age(6.9, third)

    assert shelf.vacuum().files == 1

    assert shelf.tracks(second) == ["b"]
    with pytest.raises(MissingInputError, match="are gone"):
        shelf.tracks(first)


def test_a_version_that_was_replaced_before_it_goes(shelf: Shelf) -> None:
    first, second, third = (shelf.put(DAY, track, mode="overwrite") for track in "abc")
    shelf.age(7.1, first, second, third)

    assert shelf.vacuum().files == 2
    assert shelf.tracks() == ["c"]


def test_a_file_as_old_as_can_be_stays_when_it_was_removed_today(shelf: Shelf) -> None:
    first = shelf.put(DAY, "a")
    shelf.age(400, first)
    shelf.put(DAY, "b", mode="overwrite")

    assert shelf.vacuum() == Removal()
    assert shelf.tracks(first) == ["a"]


def test_removals_that_a_checkpoint_has_forgotten_still_keep_the_stated_retention(shelf: Shelf) -> None:
    first, second = (shelf.put(DAY, track, mode="overwrite") for track in "ab")
    shelf.age(40, first)
    shelf.age(10, second)
    DeltaTable(shelf.lake.path(DAILY_TRACK_PLAYS)).create_checkpoint()

    assert vacuum(shelf.lake, DAILY_TRACK_PLAYS, (), timedelta(days=30)) == Removal()
    assert shelf.tracks(first) == ["a"]
    assert vacuum(shelf.lake, DAILY_TRACK_PLAYS, (), WEEK).files == 1


def test_a_needed_version_stays_however_old_it_is_in_its_compacted_files(shelf: Shelf) -> None:
    needed = [shelf.put(DAY, track) for track in "ab"][-1]
    compact(shelf.lake, DAILY_TRACK_PLAYS)
    shelf.put(DAY, "c", mode="overwrite")
    shelf.put(DAY, "d", mode="overwrite")
    shelf.age(400, *range(1, shelf.version + 1))

    assert shelf.vacuum(needed).files == 3  # two small ones and the version in between

    assert shelf.tracks(needed) == ["a", "b"]
    assert shelf.tracks() == ["d"]


def test_a_needed_version_that_never_was_hinders_nothing(shelf: Shelf) -> None:
    shelf.age(8, *[shelf.put(DAY, track, mode="overwrite") for track in "ab"])

    assert shelf.vacuum(99).files == 1


def test_a_reader_within_the_retention_reads_on_through_compaction_and_vacuum(shelf: Shelf) -> None:
    version = [shelf.put(DAY, track) for track in "ab"][-1]
    reader = DeltaTable(shelf.lake.path(DAILY_TRACK_PLAYS), version=version).to_pyarrow_dataset().to_batches()
    read = [next(iter(reader)).num_rows]

    compact(shelf.lake, DAILY_TRACK_PLAYS)
    shelf.put(DAY, "c", mode="overwrite")
    shelf.vacuum()

    assert sum(read + [batch.num_rows for batch in reader]) == 2


def test_a_file_that_is_being_written_stays_and_one_that_a_dead_writer_left_goes(shelf: Shelf) -> None:
    shelf.put(DAY, "a")
    folder = shelf.lake.path(DAILY_TRACK_PLAYS) / f"event_date={DAY}"
    young, old = folder / "part-young.parquet", folder / "part-old.parquet"
    young.write_bytes(b"12")
    old.write_bytes(b"345")
    set_back(old, 8)

    assert shelf.vacuum() == Removal(1, 3)
    assert young.exists()


def test_leftovers_beside_data_and_log_go_when_they_are_old(shelf: Shelf) -> None:
    shelf.put(DAY, "a")
    folder = shelf.lake.path(DAILY_TRACK_PLAYS)
    data = next(folder.rglob("part-*.parquet"))
    left = [
        folder / "_delta_log" / "_commit_1.json.tmp",
        data.with_name("part-1.parquet#1"),
        data.with_name(".part-gone.parquet.crc"),
    ]
    stays = [data.with_name(f".{data.name}.crc"), folder / "_delta_log" / "_commit_2.json.tmp", data]
    for file in [*left, *stays[:2]]:
        file.write_bytes(b"x")
    for file in [*left, stays[0], data]:
        set_back(file, 8)

    assert remove_leftovers(folder, WEEK, dry_run=True) == Removal(3, 3)
    assert remove_leftovers(folder, WEEK) == Removal(3, 3)

    assert [file.exists() for file in left] == [False, False, False]
    assert all(file.exists() for file in stays)


def test_sizes_count_rows_files_and_the_versions_that_can_be_read(shelf: Shelf) -> None:
    first, second = (shelf.put(DAY, track, mode="overwrite") for track in "ab")
    shelf.put(DAY, "c", "d")
    shelf.age(8, first, second)
    assert measure(shelf.lake, PLAYBACK_EVENTS) is None
    compact(shelf.lake, DAILY_TRACK_PLAYS)
    shelf.vacuum()

    size = measure(shelf.lake, DAILY_TRACK_PLAYS)

    assert size is not None
    assert (size.rows, size.files) == (3, 1)
    assert size.bytes == size.smallest_bytes == size.mean_bytes < size.stored_bytes
    # version 0 is empty, the first is gone, the second to the compacted one can be read, and vacuum made two more
    assert size.versions == 6
    assert size.compacted_at is not None
