"""The shape of a table in the lake: what it is, what it is declared to be, and how the one becomes the other.

Every step is a commit of the schema or of a property, never of rows, and leaves the Delta protocol at reader 1 and
writer 2, so that both engines go on with the table.
"""

from contextlib import suppress

from deltalake import DeltaTable, Schema
from deltalake.exceptions import CommitFailedError
from deltalake.schema import ArrayType, PrimitiveType

from infra import failpoints
from infra.checks import Checker
from infra.lake import Lake
from playback.arrow import arrow_schema
from schemas.drift import Change, Column, Shape
from schemas.drift_kinds import ADDED_NULLABLE, BECAME_NULLABLE
from schemas.errors import SupersededError
from schemas.model import ReplaceAll, ReplaceDates, ReplaceSlices, Table
from schemas.render.expectations import expectations_digest

RECOMPUTE = "tonearm.recompute"
"""Property of a table that is computed from others: `true` when all its rows are to be, because it has new columns."""

CONSUMED = "tonearm.consumed"
"""Property of a table whose rows cannot say it: what of its inputs it is made of."""

_WORDS = {"integer": "int"}


def declared_shape(table: Table) -> Shape:
    """The shape that the declaration asks for."""
    return Shape(
        "lake",
        tuple(Column(field.name, field.type, field.nullable) for field in table.stored_fields),
        key=table.key,
        partition_by=(table.partition_by,) if table.partition_by else (),
        checks=expectations_digest(table),
        description=table.description,
    )


def found_shape(lake: Lake, checker: Checker, table: Table) -> Shape | None:
    """The shape of the current version; None when there is no table."""
    if lake.version(table) is None:
        return None
    delta = DeltaTable(lake.path(table))
    metadata = delta.metadata()
    return Shape(
        "lake",
        tuple(Column(field.name, _word(field.type), field.nullable) for field in delta.schema().fields),
        key=checker.passed_key(table),
        partition_by=tuple(metadata.partition_columns),
        checks=checker.passed_expectations(table),
        description=metadata.description or "",
    )


def undeclared(lake: Lake, declared: set[str]) -> list[str]:
    """Full names of tables that are in the lake and not declared (any more)."""
    found = (log.parent for log in lake.root.glob("*/*/_delta_log"))
    names = (f"{folder.parent.name}.{folder.name}" for folder in found)
    return sorted(name for name in names if name not in declared)


def migrate(lake: Lake, table: Table, changes: list[Change]) -> None:
    """Make those of these changes that are to be made; what is made already is left alone.

    A table that is computed from others is marked first, so that whoever dies in between leaves it to be computed anew.
    Raises SupersededError when another writer committed at the same moment.
    """
    added = [change.about for change in changes if change.kind is ADDED_NULLABLE]
    relaxed = [change.about for change in changes if change.kind is BECAME_NULLABLE]
    try:
        if added and isinstance(table.refresh, ReplaceDates | ReplaceSlices | ReplaceAll):
            set_property(lake, table, RECOMPUTE, "true")
            failpoints.reach("migrate.marked")
        if added:
            fields = Schema.from_arrow(arrow_schema(table.field(name) for name in added)).fields
            DeltaTable(lake.path(table)).alter.add_columns(fields)
            failpoints.reach("migrate.widened")
        for name in relaxed:
            DeltaTable(lake.path(table)).alter.drop_column_not_null(name)
    except CommitFailedError:
        raise SupersededError(
            f"{table.full_name}: another writer committed at the same moment: run `tonearm migrate` again."
        ) from None


def is_to_be_recomputed(lake: Lake, table: Table) -> bool:
    """Whether all rows are to be computed anew, whatever has been consumed."""
    return DeltaTable(lake.path(table)).metadata().configuration.get(RECOMPUTE) == "true"


def set_property(lake: Lake, table: Table, name: str, value: str) -> None:
    """Set a property of ours; no row changes."""
    DeltaTable(lake.path(table)).alter.set_table_properties({name: value}, raise_if_not_exists=False)


def consumed_beside(lake: Lake, table: Table) -> str | None:
    """What `remember_consumed` remembered last of the table; None: nothing."""
    return DeltaTable(lake.path(table)).metadata().configuration.get(CONSUMED)


def remember_consumed(lake: Lake, table: Table, position: str) -> None:
    """Remember what a table has consumed beside its rows, after they were written: where no row may say it.

    Whoever dies in between, or meets another commit here, leaves the same dates to be computed once more.
    """
    with suppress(CommitFailedError):
        set_property(lake, table, CONSUMED, position)


def _word(delta_type: object) -> str:
    """A Delta type in the words of `schemas.model`."""
    if isinstance(delta_type, PrimitiveType):
        return _WORDS.get(delta_type.type, delta_type.type)
    return "headers" if isinstance(delta_type, ArrayType) else "struct"
