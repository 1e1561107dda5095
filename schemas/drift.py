"""Drift: how what is stored differs from what is declared, and what becomes of each difference.

`KINDS` is the one list of differences and verdicts; docs/evolution.md shows it. `drift` compares two shapes of one
table or event, and knows no store: who reads a store says what it has as a `Shape`.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

Place = Literal["event", "lake", "bigquery", "cassandra"]
Verdict = Literal["accepted", "automatic", "migrate", "refused"]
"""Nothing is to be done; the next run does it; `tonearm migrate` does it; nothing does it, and nothing runs."""

_WIDENED = {("int", "long"), ("int", "bigint")}


@dataclass(frozen=True, eq=False)
class Kind:
    """A kind of difference: its verdict in each place where it can be, why, and, where refused, what to do instead."""

    name: str
    verdicts: dict[Place, Verdict]
    because: str
    instead: str = ""


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
    """

    place: Place
    columns: tuple[Column, ...]
    key: tuple[str, ...] | None = None
    partition_by: tuple[str, ...] = ()
    order: tuple[str, ...] = ()
    checks: str | None = None
    description: str = ""
    version: int = 1
    columns_by_name: dict[str, Column] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "columns_by_name", {column.name: column for column in self.columns})


_OTHER_TABLE = "declare a table of another name beside it"
_BUMP = "raise the `version` of its Warehouse or Serving, so that the next run makes a new table beside it and fills it"

ADDED_NULLABLE = Kind(
    "field added, nullable",
    {"event": "accepted", "lake": "migrate", "bigquery": "migrate", "cassandra": "migrate"},
    "rows that are there have no value of it; a table that is computed from others is computed anew by the next run",
)
ADDED_REQUIRED = Kind(
    "field added, required",
    {"event": "refused", "lake": "refused", "bigquery": "migrate", "cassandra": "migrate"},
    "records and rows that are there have no value of it (the stores take it as nullable: the lake holds it)",
    "declare it nullable",
)
REMOVED = Kind(
    "field removed",
    {"event": "accepted", "lake": "refused"},
    "its values would be lost with the next rewrite of a date",
    "put it back into the declaration, nullable",
)
RENAMED = Kind(
    "field renamed",
    {"event": "accepted", "lake": "refused"},
    "a rename is a removal and an addition, so that values so far would stay under the old name",
    "keep the old name, or add the new one as a nullable field beside it",
)
WIDENED = Kind(
    "type widened (int to long)",
    {"event": "accepted", "lake": "refused", "cassandra": "refused"},
    "readers of Delta's protocol 1 and Cassandra know no widening (to BigQuery both are INTEGER)",
    "add a nullable long under another name",
)
NARROWED = Kind(
    "type narrowed (long to int)",
    {"event": "refused", "lake": "refused", "cassandra": "refused"},
    "values that are there may not fit",
    "leave the type, and declare a check of the range",
)
TYPE_CHANGED = Kind(
    "type changed",
    {"event": "refused", "lake": "refused", "bigquery": "refused", "cassandra": "refused"},
    "what is stored cannot be read as the new type",
    f"add a nullable field under another name; of a store alone, {_BUMP}",
)
BECAME_REQUIRED = Kind(
    "nullable to required",
    {"event": "refused", "lake": "refused", "bigquery": "accepted"},
    "records and rows that are there may have no value (a store may stay laxer than the lake)",
    "leave it nullable",
)
BECAME_NULLABLE = Kind(
    "required to nullable",
    {"event": "accepted", "lake": "migrate", "bigquery": "migrate"},
    "what is there fits",
)
REORDERED = Kind(
    "fields reordered",
    {"event": "accepted", "lake": "accepted", "bigquery": "accepted", "cassandra": "accepted"},
    "everything goes by name",
)
KEY_CHANGED = Kind(
    "key changed",
    {"lake": "refused"},
    "rows that are there are of another grain",
    _OTHER_TABLE,
)
PARTITION_CHANGED = Kind(
    "partition changed",
    {"lake": "refused", "bigquery": "refused"},
    "files and partitions that are there lie by the old column",
    f"in the lake, {_OTHER_TABLE}; of BigQuery alone, {_BUMP}",
)
CLUSTERING_CHANGED = Kind(
    "clustering changed",
    {"bigquery": "migrate"},
    "what is written from then on lies in the new order; in the lake `tonearm maintain` follows it anyway",
)
SERVING_KEY_CHANGED = Kind(
    "serving key or order changed",
    {"cassandra": "refused"},
    "Cassandra never changes a primary key",
    _BUMP,
)
SERVING_MODE_CHANGED = Kind(
    "serving mode changed",
    {"cassandra": "refused"},
    "a snapshot has the generation in its primary key and an upsert has not",
    _BUMP,
)
CHECKS_CHANGED = Kind(
    "checks tightened or loosened",
    {"lake": "automatic"},
    "the next run validates the whole table by them before it publishes anything",
)
DESCRIBED = Kind(
    "description only",
    {"lake": "accepted", "bigquery": "automatic", "cassandra": "accepted"},
    "no row changes; BigQuery, where analysts read it, has it with the next publication",
)
NEW_TABLE = Kind(
    "new table",
    {"lake": "automatic", "bigquery": "automatic", "cassandra": "automatic"},
    "the next run makes it, of all there is",
)
DROPPED_TABLE = Kind(
    "table no longer declared",
    {"lake": "accepted"},
    "nothing reads, writes or tidies it any more; who wants the room removes its folder",
)
UNKNOWN_NULLABLE = Kind(
    "column that the declaration lacks, nullable",
    {"bigquery": "accepted", "cassandra": "accepted"},
    "publications leave it alone, and the view and `tonearm get` do not show it",
)
UNKNOWN_REQUIRED = Kind(
    "column that the declaration lacks, required",
    {"bigquery": "refused"},
    "no row could be inserted any more",
    f"make it nullable in BigQuery, or {_BUMP}",
)
WAREHOUSE_VERSION = Kind(
    "warehouse version raised",
    {"bigquery": "automatic"},
    "the next run makes and fills the new table, then points the view at it; the old one stays",
)
SERVING_VERSION = Kind(
    "serving version raised",
    {"cassandra": "automatic"},
    "the next run makes and fills the new table; the old one stays for readers of the version before",
)
EVENT_ADDED = Kind("event version released", {"event": "accepted"}, "older versions stay readable beside it")
EVENT_REMOVED = Kind(
    "event version removed",
    {"event": "refused"},
    "clients that were released go on writing it, and all they say would be dead letters",
    "put it back into RELEASED",
)
EVENT_EDITED = Kind(
    "released event version edited",
    {"event": "refused"},
    "clients have it compiled in as it was",
    "undo it, and add a version",
)
EVENT_COLLISION = Kind(
    "fingerprint of two event versions the same",
    {"event": "refused"},
    "a message names its version by the fingerprint alone, which descriptions and defaults are no part of",
    "let the later version differ by a field, or do without it",
)

KINDS: tuple[Kind, ...] = tuple(one for one in dict(globals()).values() if isinstance(one, Kind))
"""Every kind of difference, in the order of this file."""


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
    if found.checks is not None and found.checks != declared.checks:
        yield CHECKS_CHANGED, ""
    if found.description != declared.description:
        yield DESCRIBED, ""


def _became(before: tuple[str, ...], after: tuple[str, ...]) -> str:
    return f"{', '.join(before) or 'none'} to {', '.join(after) or 'none'}"
