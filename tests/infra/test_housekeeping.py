"""Compaction, vacuum and leftovers of small tables: no row changes, and no version goes that is still to be read."""

import json
import os
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from infra import delta_log
from infra.housekeeping import Compaction, compact, vacuum
from infra.lake import Lake
from infra.leftovers import Removal, remove_leftovers
from infra.table_sizes import measure
from playback.arrow import arrow_schema
from schemas.bronze import PLAYBACK_EVENTS
from schemas.errors import MissingInputError
from schemas.gold import DAILY_TRACK_PLAYS
from schemas.model import Field, Table

WEEK = timedelta(days=7)
DAY = date(2026, 1, 1)


def stand_in(field: Field) -> Any:
    made = datetime(2026, 1, 1, tzinfo=UTC)
    ordinary = {"string": "", "int": 0, "long": 0, "date": DAY, "timestamp": made, "boolean": False}
    return None if field.nullable else ordinary[field.type]


def rows(table: Table, *given: dict[str, Any]) -> pa.Table:
    filled = [{field.name: one.get(field.name, stand_in(field)) for field in table.stored_fields} for one in given]
    return pa.Table.from_pylist(filled, schema=arrow_schema(table.stored_fields))


class Shelf:
    """One lake whose commits can be made to have happened earlier."""

    def __init__(self, root: Path) -> None:
        self.lake = Lake(root)

    def put(self, day: date, *tracks: str, mode: str = "append") -> int:
        """Add rows to a day (`overwrite`: replace all of the table); returns the version."""
        self.lake.create(DAILY_TRACK_PLAYS)
        given = rows(DAILY_TRACK_PLAYS, *({"event_date": day, "track_id": track, "country": "DE"} for track in tracks))
        write_deltalake(self.lake.path(DAILY_TRACK_PLAYS), given, mode=mode)
        return self.version

    @property
    def version(self) -> int:
        found = self.lake.version(DAILY_TRACK_PLAYS)
        assert found is not None
        return found

    def tracks(self, version: int | None = None) -> list[str]:
        return sorted(self.lake.rows(DAILY_TRACK_PLAYS, version)["track_id"].to_pylist())

    def age(self, days: float, *versions: int) -> None:
        """Make these commits, and the files that they brought, older than they are."""
        folder = self.lake.path(DAILY_TRACK_PLAYS)
        for version in versions:
            log = folder / "_delta_log" / f"{version:020d}.json"
            actions = [json.loads(line) for line in log.read_text().splitlines()]
            for action in actions:
                for stamped in ("timestamp", "deletionTimestamp", "modificationTime"):
                    for body in action.values():
                        if stamped in body:
                            body[stamped] -= int(days * 86_400_000)
            log.write_text("".join(json.dumps(action) + "\n" for action in actions))
            made = delta_log.commit(folder, version)
            assert made is not None
            for name in made.added:
                set_back(folder / name, days)

    def vacuum(self, *needed: int, dry_run: bool = False) -> Removal:
        return vacuum(self.lake, DAILY_TRACK_PLAYS, needed, WEEK, dry_run)


def set_back(file: Path, days: float) -> None:
    if file.exists():
        moment = file.stat().st_mtime - days * 86_400
        os.utime(file, (moment, moment))


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path / "lake")


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

    assert shelf.lake.touched_dates(DAILY_TRACK_PLAYS, before, compacted) == set()
    assert shelf.lake.touched_dates(DAILY_TRACK_PLAYS, before, changed) == {date(2026, 1, 2)}
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
