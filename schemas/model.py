"""The language of declarations: fields, checks, events, tables and how a table is refreshed, published and served."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from schemas.checks import Check
from schemas.periods import PeriodKind

FieldType = Literal["string", "binary", "boolean", "int", "long", "timestamp", "date", "headers"]
"""Logical types. `timestamp` is UTC with microseconds; `headers` is a list of (key: string, value: bytes or null)."""

Layer = Literal["bronze", "silver", "gold", "features", "live", "quality"]
Schedule = Literal["hourly", "daily", "weekly"]

_PROMISED_HOURS: dict[Schedule, int] = {"hourly": 2, "daily": 26, "weekly": 176}
"""The period, and time for the run itself."""


@dataclass(frozen=True)
class Field:
    """One column or event field.

    `personal` marks what says something about one listener; it never enters logs, lineage or docs.
    """

    name: str
    type: FieldType
    description: str
    nullable: bool = False
    personal: bool = False


@dataclass(frozen=True)
class Event:
    """One version of one event as clients send it. A released version never changes; add a new one instead."""

    name: str
    version: int
    description: str
    fields: tuple[Field, ...]


@dataclass(frozen=True)
class Ledger:
    """Append-only copy of a topic; the next batch starts at the offsets found in the table."""


@dataclass(frozen=True)
class KeyedMerge:
    """New ledger records are merged by the table's key; of two rows of one key the lowest by `first_by` stays.

    A table that may get no row from many records cannot remember in its rows how far it has read. It names in
    `remembered_by` the table that is written after it, from the same records, and remembers for both.
    """

    first_by: tuple[str, ...]
    remembered_by: str = ""


@dataclass(frozen=True)
class ReplaceDates:
    """Each `event_date` depends only on the same date of the driving (first) input; touched dates are replaced.

    Where it depends on the same date of more inputs, `also` names them: what is touched in any is replaced, and only
    the same dates are read. Of a sparse table most dates may have no rows that could remember what was consumed; it is
    remembered beside them.
    """

    also: tuple[str, ...] = ()
    is_sparse: bool = False


@dataclass(frozen=True)
class ReplaceSlices:
    """Each slice (`schemas.periods`) depends only on what the driving (first) input has of its days and listeners.

    There is one for each period of `kinds`, of each share of the listeners if `by_share`; touched ones are replaced.
    A driving input that is partitioned by slices has those of months and shares. Where they depend on the same days and
    listeners of more inputs, which have `event_date` and `user_id`, `also` names them: what is touched in any is. An
    input of `of_tracks` has a row for each `track_id` of which it says something: where it says something else of one,
    the slices are touched in which the table has that track. Where what is said of a period depends on what was before
    it (what is new in it), earlier days touch it too: `later`.
    """

    kinds: tuple[PeriodKind, ...]
    by_share: bool = True
    also: tuple[str, ...] = ()
    of_tracks: tuple[str, ...] = ()
    later: bool = False


@dataclass(frozen=True)
class ReplaceAll:
    """Recomputed as a whole whenever an input has changed. For small tables."""


@dataclass(frozen=True)
class Snapshot:
    """What the batch run knows and no other table says, written down when it has changed."""


@dataclass(frozen=True)
class Live:
    """Absolute rows that the live pipeline upserts while it reads the topic; the lake and the batch run have none.

    A row is kept for `retention_days`: in Cassandra from its last write, in BigQuery from the day of its partition.
    """

    retention_days: int


Refresh = Ledger | KeyedMerge | ReplaceDates | ReplaceSlices | ReplaceAll | Snapshot | Live


@dataclass(frozen=True)
class Warehouse:
    """Publication to BigQuery: a versioned table `<name>_v<version>` behind an unversioned view `<name>`."""

    cluster_by: tuple[str, ...] = ()
    version: int = 1


@dataclass(frozen=True)
class Serving:
    """Publication to Cassandra.

    `snapshot`: a whole generation and a pointer to it. `upsert`: absolute rows under a fenced publish number.
    A reader gives the `partition_key`; rows come back in the order of `clustering`, descending where `descending`.
    `indexed` are columns by whose ranges rows of all partitions are found too (storage-attached indexes).
    Cassandra changes no primary key: another one is another `version`, which is a table of its own.
    """

    mode: Literal["snapshot", "upsert"]
    partition_key: tuple[str, ...]
    clustering: tuple[str, ...]
    descending: tuple[str, ...] = ()
    version: int = 1
    indexed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Table:
    """One table: what a row is, where it comes from, what must hold, where it goes.

    `key` is the grain: its values are unique. `inputs` are full table names; the first one drives the refresh, the
    others are read whole. `partition_by` is a column of the table or None.
    """

    layer: Layer
    name: str
    description: str
    grain: str
    fields: tuple[Field, ...]
    key: tuple[str, ...]
    refresh: Refresh
    inputs: tuple[str, ...] = ()
    partition_by: str | None = None
    checks: tuple[Check, ...] = ()
    warehouse: Warehouse | None = None
    serving: Serving | None = None
    owner: str = "data-platform"
    schedule: Schedule = "daily"
    tags: tuple[str, ...] = field(default=())

    @property
    def full_name(self) -> str:
        """`layer.name`, which is also the module path below `jobs`."""
        return f"{self.layer}.{self.name}"

    @property
    def stored_fields(self) -> tuple[Field, ...]:
        """The declared fields and, in derived tables, the audit columns; this is the schema on disk."""
        return (*self.fields, *self.audit_fields)

    @property
    def audit_fields(self) -> tuple[Field, ...]:
        """Columns that say how a row came about, and are not part of the content digest."""
        if isinstance(self.refresh, ReplaceSlices):
            return (AS_KNOWN_AT, INPUT_POSITIONS)
        return (INPUT_POSITIONS,) if self.is_derived else ()

    @property
    def shown_fields(self) -> tuple[Field, ...]:
        """What analysts see: the declared fields, and as of when a cell is known."""
        return (*self.fields, *(one for one in self.audit_fields if one is AS_KNOWN_AT))

    @property
    def promised_hours(self) -> int:
        """How old what the table says may be at most: the freshness promise."""
        return _PROMISED_HOURS[self.schedule]

    @property
    def is_derived(self) -> bool:
        """Whether it is computed from other tables."""
        return not isinstance(self.refresh, Ledger | Snapshot | Live)

    @property
    def has_payloads(self) -> bool:
        """Whether it keeps bytes as they came: cells that may be large."""
        return any(field.type in {"binary", "headers"} for field in self.fields)

    @property
    def is_live(self) -> bool:
        """Whether the live pipeline keeps it, in the stores and not in the lake."""
        return isinstance(self.refresh, Live)

    @property
    def retention_days(self) -> int | None:
        """For how long the stores keep a row; None: for good."""
        return self.refresh.retention_days if isinstance(self.refresh, Live) else None

    @property
    def is_published(self) -> bool:
        """Whether readers find it in a store."""
        return bool(self.warehouse or self.serving)

    @property
    def inputs_by_date(self) -> tuple[str, ...]:
        """The inputs of which a date of the table may depend on the same date only: the driving one, and declared ones.

        Of slices it is the days of their periods; of a table that is by neither it is the driving one all the same.
        """
        also = self.refresh.also if isinstance(self.refresh, ReplaceDates | ReplaceSlices) else ()
        return (*self.inputs[:1], *also)

    @property
    def is_by_date(self) -> bool:
        """Whether its rows can be computed again by event_date, and no others with them."""
        return self.has_dates and self.partition_by == "event_date"

    @property
    def has_dates(self) -> bool:
        """Whether its rows can be computed again by date: that of the event, or of append."""
        dates = ("event_date", "appended_date")
        return isinstance(self.refresh, ReplaceDates | KeyedMerge) and self.partition_by in dates

    def field(self, name: str) -> Field:
        """The field of that name; KeyError when there is none."""
        for candidate in self.stored_fields:
            if candidate.name == name:
                return candidate
        raise KeyError(f"{self.full_name} has no field {name}")


AS_KNOWN_AT = Field(
    "as_known_at",
    "timestamp",
    "Audit: last UTC commit of what the row was computed from (silver.plays and what is followed beside it): what came "
    "later is not in it.",
)
INPUT_POSITIONS = Field(
    "input_positions",
    "string",
    "Audit: JSON of what had been consumed of each input when this row was written (a Delta version; of a ledger the "
    "next offset of each partition). Written in the same commit as the row; not part of the content digest.",
)
