"""Drift: how what is stored differs from what is declared.

`drift` compares two shapes of one table or event, and knows no store: who reads a store says what it has as a `Shape`.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from schemas.drift_kinds import (
    ADDED_NULLABLE,
    ADDED_REQUIRED,
    BECAME_NULLABLE,
    BECAME_REQUIRED,
    CHECKS_CHANGED,
    CLUSTERING_CHANGED,
    DESCRIBED,
    KEY_CHANGED,
    NARROWED,
    NEW_TABLE,
    PARTITION_CHANGED,
    REMOVED,
    RENAMED,
    REORDERED,
    RETENTION_CHANGED,
    SERVING_KEY_CHANGED,
    SERVING_MODE_CHANGED,
    SERVING_VERSION,
    TYPE_CHANGED,
    UNKNOWN_NULLABLE,
    UNKNOWN_REQUIRED,
    WAREHOUSE_VERSION,
    WIDENED,
    Kind,
    Place,
    Verdict,
)

_WIDENED = {("int", "long"), ("int", "bigint")}


@dataclass(frozen=True)
class Change:
    """One difference: in which place, of which table or event, and of which column or to what (`about`)."""

    place: Place
    of: str
    kind: Kind
    about: str = ""

    @property
    def verdict(self) -> Verdict:
        """What becomes of it."""
        return self.kind.verdicts[self.place]

    @property
    def sentence(self) -> str:
        """The difference in words, why it is so, and what to do where it is refused."""
        instead = f": {self.kind.instead}" if self.verdict == "refused" else ""
        about = f" ({self.about})" if self.about else ""
        return f"{self.of}, {self.place}: {self.kind.name}{about}; {self.kind.because}{instead}."


@dataclass(frozen=True)
class Column:
    """A column or event field; `type` in the words of its place."""

    name: str
    type: str
    nullable: bool


@dataclass(frozen=True)
class Shape:
    """What a table or event is in one place.

    `key`: the grain, None where the place does not say. `partition_by`: the partition column, of Cassandra the
    partition key. `order`: how rows lie within it, of Cassandra the clustering key with directions. `checks`: anything
    that differs when the checks do, None where none were made. `version`: of the warehouse or serving table.
    `retention_days`: for how long a store keeps a row; of a declaration None where that is left to the store.
    """

    place: Place
    columns: tuple[Column, ...]
    key: tuple[str, ...] | None = None
    partition_by: tuple[str, ...] = ()
    order: tuple[str, ...] = ()
    checks: str | None = None
    description: str = ""
    version: int = 1
    retention_days: int | None = None
    columns_by_name: dict[str, Column] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "columns_by_name", {column.name: column for column in self.columns})


def drift(of: str, declared: Shape, found: Shape | None) -> tuple[Change, ...]:
    """How what is `found` (None: nothing) of a table or event differs from what is `declared`, in the same place."""
    place = declared.place
    if found is None:
        return (Change(place, of, NEW_TABLE),)
    if found.version < declared.version:
        raised = WAREHOUSE_VERSION if place == "bigquery" else SERVING_VERSION
        return (Change(place, of, raised, f"{found.version} to {declared.version}"),)
    kinds = [*_columns(declared, found), *_layout(declared, found)]
    return tuple(Change(place, of, kind, about) for kind, about in kinds if place in kind.verdicts)


def refused(changes: Iterable[Change]) -> list[Change]:
    """Those that nothing can be done about."""
    return [change for change in changes if change.verdict == "refused"]


def _columns(declared: Shape, found: Shape) -> Iterable[tuple[Kind, str]]:
    added = [column for column in declared.columns if column.name not in found.columns_by_name]
    gone = [column for column in found.columns if column.name not in declared.columns_by_name]
    is_renamed = len(added) == len(gone) == 1 and added[0].type == gone[0].type and declared.place in RENAMED.verdicts
    if is_renamed:
        yield RENAMED, f"{gone[0].name} to {added[0].name}"
    else:
        yield from ((ADDED_NULLABLE if column.nullable else ADDED_REQUIRED, column.name) for column in added)
        yield from ((_gone(declared.place, column), column.name) for column in gone)
    kept = [column.name for column in declared.columns if column.name in found.columns_by_name]
    for name in kept:
        yield from _column(declared.columns_by_name[name], found.columns_by_name[name])
    if kept != [column.name for column in found.columns if column.name in declared.columns_by_name]:
        yield REORDERED, ""


def _gone(place: Place, column: Column) -> Kind:
    if place in REMOVED.verdicts:
        return REMOVED
    return UNKNOWN_NULLABLE if column.nullable else UNKNOWN_REQUIRED


def _column(declared: Column, found: Column) -> Iterable[tuple[Kind, str]]:
    if declared.type != found.type:
        kinds = {**dict.fromkeys(_WIDENED, WIDENED), **{(after, before): NARROWED for before, after in _WIDENED}}
        kind = kinds.get((found.type, declared.type), TYPE_CHANGED)
        yield kind, f"{declared.name}: {found.type} to {declared.type}"
    if declared.nullable != found.nullable:
        yield (BECAME_NULLABLE if declared.nullable else BECAME_REQUIRED), declared.name


def _layout(declared: Shape, found: Shape) -> Iterable[tuple[Kind, str]]:
    if found.key is not None and declared.key is not None and found.key != declared.key:
        yield KEY_CHANGED, _became(found.key, declared.key)
    if declared.place == "cassandra":
        if ("generation" in found.partition_by) != ("generation" in declared.partition_by):
            yield SERVING_MODE_CHANGED, ""
        elif (found.partition_by, found.order) != (declared.partition_by, declared.order):
            was, now = (*found.partition_by, *found.order), (*declared.partition_by, *declared.order)
            yield SERVING_KEY_CHANGED, _became(was, now)
    else:
        if found.partition_by != declared.partition_by:
            yield PARTITION_CHANGED, _became(found.partition_by, declared.partition_by)
        if found.order != declared.order:
            yield CLUSTERING_CHANGED, _became(found.order, declared.order)
    if declared.retention_days not in (None, found.retention_days):
        yield RETENTION_CHANGED, f"{found.retention_days or 'no'} to {declared.retention_days} days"
    if found.checks is not None and found.checks != declared.checks:
        yield CHECKS_CHANGED, ""
    if found.description != declared.description:
        yield DESCRIBED, ""


def _became(before: tuple[str, ...], after: tuple[str, ...]) -> str:
    return f"{', '.join(before) or 'none'} to {', '.join(after) or 'none'}"
