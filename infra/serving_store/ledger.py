"""The ledger of publications: which version of a table was sent to which store, under which number.

A publication is entered *before* it writes anything, by a lightweight transaction that also allots its number. So a
publisher with a higher number always sees every lower one, finished or not, and can take back what it may write.
"""

# ruff: noqa: S608 - only names that the declarations and settings give are written into statements; values are bound

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal

from cassandra import ConsistencyLevel

from infra.serving_store.session import ServingSession, answering
from schemas.errors import SupersededError

Store = Literal["bigquery", "cassandra"]
Mode = Literal["merge", "upsert", "snapshot", "rollback"]
ALLOTMENTS = 20


@dataclass(frozen=True)
class Entry:
    """One publication of one table to one store.

    `base_version` is the Delta version that a rollback goes back to; `withheld_version` (of a rollback) the newest
    version that was taken back; `generation` the rows of a snapshot, None once they are deleted.
    """

    table_name: str
    store: Store
    publish_number: int
    mode: Mode
    delta_version: int
    generation: int | None = None
    base_version: int | None = None
    withheld_version: int | None = None
    state: Literal["started", "completed"] = "started"
    started_at: datetime | None = None  # UTC
    finished_at: datetime | None = None  # UTC

    @property
    def is_completed(self) -> bool:
        """Whether all that it had to write is written."""
        return self.state == "completed"


_COLUMNS = tuple(Entry.__dataclass_fields__)


@dataclass(frozen=True)
class Ledger:
    """The ledger of one keyspace; all writes are compare-and-sets and all reads are serial."""

    serving: ServingSession

    def entries(self, table_name: str, store: Store) -> list[Entry]:
        """All publications of a table to a store, the highest number first."""
        statement = f"SELECT {', '.join(_COLUMNS)} FROM {self._table} WHERE table_name = ? AND store = ?"
        rows = self.serving.rows(statement, (table_name, store), ConsistencyLevel.SERIAL)
        return [Entry(**{**row, **_with_zone(row)}) for row in rows]

    def start(
        self, plan: Callable[[list[Entry]], Entry | None], table_name: str, store: Store, lowest: int = 1
    ) -> Entry | None:
        """Enter the publication that `plan` makes of all entries, under the next number; None when it plans none.

        `plan` is asked again when another publisher took the number: it decides on exactly the entries that lie
        below its own. The number is at least `lowest`.
        Raises SupersededError when other publishers are always first.
        """
        statement = (
            f"INSERT INTO {self._table} ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))}) IF NOT EXISTS"
        )
        for _ in range(ALLOTMENTS):
            entries = self.entries(table_name, store)
            planned = plan(entries)
            if planned is None:
                return None
            number = max([lowest, *(entry.publish_number + 1 for entry in entries)])
            entry = replace(planned, publish_number=number, state="started", started_at=datetime.now(UTC))
            if self._applied(statement, [getattr(entry, name) for name in _COLUMNS]):
                return entry
        raise SupersededError(f"Others publish {table_name} all the time: run the same command again when they ended.")

    def complete(self, entry: Entry, generation: int | None = None) -> None:
        """Mark it completed; raises SupersededError when a higher number is completed already."""
        statement = (
            f"UPDATE {self._table} SET state = 'completed', finished_at = ?, generation = ? "
            "WHERE table_name = ? AND store = ? AND publish_number = ? IF state = 'started'"
        )
        key = (entry.table_name, entry.store, entry.publish_number)
        self._applied(statement, (datetime.now(UTC), generation, *key))
        newer = last_completed(self.entries(entry.table_name, entry.store))
        if newer and newer.publish_number > entry.publish_number:
            raise superseded(entry)

    def forget_generation(self, entry: Entry) -> None:
        """Say that the rows of its generation are about to be deleted."""
        statement = (
            f"UPDATE {self._table} SET generation = null "
            "WHERE table_name = ? AND store = ? AND publish_number = ? IF EXISTS"
        )
        self._applied(statement, (entry.table_name, entry.store, entry.publish_number))

    @property
    def _table(self) -> str:
        return f'"{self.serving.keyspace}".publications'

    def _applied(self, statement: str, values: Any) -> bool:
        bound = self.serving.prepare(statement).bind(values)
        with answering():
            return bool(self.serving.session.execute(bound).was_applied)


def last_completed(entries: list[Entry]) -> Entry | None:
    """The publication in force: the completed one with the highest number."""
    return next((entry for entry in entries if entry.is_completed), None)


def unfinished(entries: list[Entry]) -> list[Entry]:
    """Publications that were started after the one in force and may have written some of their rows."""
    current = last_completed(entries)
    return [entry for entry in entries if current is None or entry.publish_number > current.publish_number]


def superseded(entry: Entry) -> SupersededError:
    """What a publisher is told that another one with a higher number overtook."""
    return SupersededError(
        f"A later publication of {entry.table_name} to {entry.store} than number {entry.publish_number} was first: "
        "nothing is to be done, the later one is served."
    )


def _with_zone(row: dict[str, Any]) -> dict[str, datetime | None]:
    """The driver's naive moments are UTC."""
    return {name: row[name] and row[name].replace(tzinfo=UTC) for name in ("started_at", "finished_at")}
