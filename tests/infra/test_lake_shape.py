"""The shape of tables in the lake, and how one becomes another without a row changing."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from infra.checks import Checker
from infra.lake import Lake
from infra.lake_shape import (
    RECOMPUTE,
    declared_shape,
    found_shape,
    is_to_be_recomputed,
    migrate,
    set_property,
    undeclared,
)
from playback.arrow import arrow_schema
from schemas import catalog
from schemas.drift import Change, drift
from schemas.drift_kinds import ADDED_NULLABLE, BECAME_NULLABLE, DESCRIBED
from schemas.errors import MissingInputError
from schemas.gold import DAILY_USER_PLAYS
from schemas.model import Field, Table
from schemas.silver import PLAYS

MOOD = Field("mood", "string", "What for.", nullable=True)
WIDER = replace(DAILY_USER_PLAYS, fields=(*DAILY_USER_PLAYS.fields[:3], MOOD, *DAILY_USER_PLAYS.fields[3:]))
COUNTS = (
    *("playback_count", "play_count", "skip_count", "track_count", "played_ms"),
    *("clean_playback_count", "clean_play_count", "clean_skip_count", "clean_played_ms"),
)
ROW = dict.fromkeys(COUNTS, 1) | {
    "event_date": date(2026, 1, 1),
    "user_id": "a",
    "input_positions": "{}",
}


class Shelf:
    """A lake with one row in one table, and nothing that was checked."""

    def __init__(self, folder: Path) -> None:
        self.lake, self.checker = Lake(folder / "lake"), Checker(folder)
        self.lake.create(DAILY_USER_PLAYS)
        self.put(DAILY_USER_PLAYS)

    def put(self, table: Table, **changes: object) -> int:
        row = pa.Table.from_pylist([ROW | changes], schema=arrow_schema(table.stored_fields))
        write_deltalake(self.lake.path(table), row, mode="append")
        version = self.lake.version(table)
        assert version is not None
        return version

    def drift(self, table: Table) -> list[Change]:
        return list(drift(table.full_name, declared_shape(table), found_shape(self.lake, self.checker, table)))

    def migrate(self, table: Table) -> None:
        migrate(self.lake, table, self.drift(table))


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path)


@pytest.mark.parametrize("table", catalog.lake_tables().values(), ids=lambda table: table.full_name)
def test_a_table_that_was_just_created_is_as_declared(table: Table, tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    assert found_shape(lake, Checker(tmp_path), table) is None
    lake.create(table)
    assert drift(table.full_name, declared_shape(table), found_shape(lake, Checker(tmp_path), table)) == ()


def test_a_new_column_is_added_and_is_null_in_the_rows_that_are_there(shelf: Shelf) -> None:
    assert [(one.kind, one.about) for one in shelf.drift(WIDER)] == [(ADDED_NULLABLE, "mood")]

    shelf.migrate(WIDER)

    assert all(change.verdict == "accepted" for change in shelf.drift(WIDER))
    assert shelf.lake.rows(WIDER).to_pylist() == [ROW | {"mood": None}]
    assert DeltaTable(shelf.lake.path(WIDER)).protocol()[:2] == (1, 2)


def test_migrating_again_commits_nothing(shelf: Shelf) -> None:
    shelf.migrate(WIDER)
    version = shelf.lake.version(WIDER)

    shelf.migrate(WIDER)

    assert shelf.lake.version(WIDER) == version


def test_a_version_from_before_the_column_is_read_with_nulls(shelf: Shelf) -> None:
    before = shelf.lake.version(WIDER)
    shelf.migrate(WIDER)
    after = shelf.put(WIDER, user_id="b", mood="calm")

    assert shelf.lake.rows(WIDER, before).to_pylist() == [ROW | {"mood": None}]
    assert shelf.lake.rows(WIDER, before, [date(2026, 1, 1)])["mood"].to_pylist() == [None]
    assert sorted(map(repr, shelf.lake.rows(WIDER, after)["mood"].to_pylist())) == ["'calm'", "None"]


def test_a_version_that_lacks_a_required_column_is_not_made_up(shelf: Shelf) -> None:
    required = replace(WIDER, fields=(*DAILY_USER_PLAYS.fields, replace(MOOD, nullable=False)))
    with pytest.raises(Exception, match="mood"):
        shelf.lake.rows(required)


def test_a_required_column_may_become_nullable(shelf: Shelf) -> None:
    fields = tuple(replace(one, nullable=one.nullable or one.name == "played_ms") for one in DAILY_USER_PLAYS.fields)
    laxer = replace(DAILY_USER_PLAYS, fields=fields)
    assert [(one.kind, one.about) for one in shelf.drift(laxer)] == [(BECAME_NULLABLE, "played_ms")]

    shelf.migrate(laxer)

    assert [change for change in shelf.drift(laxer) if change.verdict != "accepted"] == []
    shelf.put(laxer, user_id="b", played_ms=None)
    assert DeltaTable(shelf.lake.path(laxer)).protocol()[:2] == (1, 2)


def test_a_table_that_is_computed_from_others_is_marked_to_be_computed_anew(shelf: Shelf) -> None:
    assert not is_to_be_recomputed(shelf.lake, WIDER)
    shelf.migrate(WIDER)
    assert is_to_be_recomputed(shelf.lake, WIDER)
    set_property(shelf.lake, WIDER, RECOMPUTE, "false")
    assert not is_to_be_recomputed(shelf.lake, WIDER)


def test_verdicts_that_were_given_stay_given(shelf: Shelf) -> None:
    """A table that is merged from the ledger is not computed anew: what was decided of old records stays."""
    narrower = replace(PLAYS, fields=PLAYS.fields[1:])
    shelf.lake.create(narrower)
    migrate(shelf.lake, PLAYS, [Change("lake", PLAYS.full_name, ADDED_NULLABLE, "shuffle")])
    assert not is_to_be_recomputed(shelf.lake, PLAYS)


def test_a_property_changes_no_row(shelf: Shelf) -> None:
    before = shelf.lake.version(WIDER)
    assert before is not None
    set_property(shelf.lake, WIDER, RECOMPUTE, "true")
    assert shelf.lake.same_rows(WIDER, before, shelf.lake.version(WIDER))


def test_another_description_is_no_work(shelf: Shelf) -> None:
    said = replace(DAILY_USER_PLAYS, description="Other words.")
    assert [one.kind for one in shelf.drift(said)] == [DESCRIBED]
    version = shelf.lake.version(said)
    shelf.migrate(said)
    assert shelf.lake.version(said) == version


def test_tables_that_nobody_declares_are_found_and_stay(shelf: Shelf) -> None:
    shelf.lake.create(replace(DAILY_USER_PLAYS, name="weekly_moods"))
    (shelf.lake.root / "_staging").mkdir()
    assert undeclared(shelf.lake, set(catalog.lake_tables())) == ["gold.weekly_moods"]


def test_nothing_is_made_of_a_table_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(MissingInputError):
        Lake(tmp_path).rows(WIDER)
