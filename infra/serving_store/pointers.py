"""Pointers from a snapshot table to the generation that is read; only a higher publish number moves one."""

# ruff: noqa: S608 - only names that the declarations and settings give are written into statements; values are bound

from dataclasses import dataclass
from datetime import UTC, datetime

from cassandra import ConsistencyLevel

from infra.serving_store.session import ServingSession, answering


@dataclass(frozen=True)
class Pointer:
    """Where readers of one table are sent."""

    publish_number: int
    generation: int
    delta_version: int


def pointer(serving: ServingSession, table_name: str, serial: bool = False) -> Pointer | None:
    """The pointer of a table, or None; `serial` also sees a move that is still under way."""
    statement = (
        f'SELECT publish_number, generation, delta_version FROM "{serving.keyspace}".serving_pointers '
        "WHERE table_name = ?"
    )
    consistency = ConsistencyLevel.SERIAL if serial else None
    return next((Pointer(**row) for row in serving.rows(statement, (table_name,), consistency)), None)


def move_pointer(serving: ServingSession, table_name: str, to: Pointer) -> bool:
    """Send readers to a generation; False when a publication with the same or a higher number was first."""
    values = (to.publish_number, to.generation, to.delta_version, datetime.now(UTC))
    made = serving.prepare(
        f'INSERT INTO "{serving.keyspace}".serving_pointers '
        "(publish_number, generation, delta_version, moved_at, table_name) VALUES (?, ?, ?, ?, ?) IF NOT EXISTS"
    )
    moved = serving.prepare(
        f'UPDATE "{serving.keyspace}".serving_pointers '
        "SET publish_number = ?, generation = ?, delta_version = ?, moved_at = ? "
        "WHERE table_name = ? IF publish_number < ?"
    )
    with answering():
        if serving.session.execute(made.bind((*values, table_name))).was_applied:
            return True
        return bool(serving.session.execute(moved.bind((*values, table_name, to.publish_number))).was_applied)
