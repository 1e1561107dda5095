"""One publication into Cassandra: absolute rows (`upsert`) or a generation and the pointer to it (`snapshot`)."""

from collections.abc import Collection
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.compute as pc

from infra import failpoints
from infra.lake import Lake
from infra.serving_store.ledger import Entry, Ledger, superseded
from infra.serving_store.plan import forgotten, kept_generations
from infra.serving_store.pointers import Pointer, move_pointer, pointer
from infra.serving_store.rows import delete_generations, delete_rows, stored_keys, write_rows
from infra.serving_store.session import ServingSession
from schemas.errors import MissingInputError
from schemas.model import Table
from schemas.periods import PartitionValue


def upsert(
    serving: ServingSession,
    lake: Lake,
    table: Table,
    entry: Entry,
    before: Collection[int],
    partitions: Collection[PartitionValue] | None,
) -> tuple[int, int]:
    """Write the rows of `partitions` (None: of the whole table) and delete those that are no more.

    `before` are the Delta versions that may be stored: the one in force and those of publications that did not end.
    Returns the number of rows written and deleted.
    """
    place = f"{table.full_name}/cassandra"
    rows = lake.rows(table, entry.delta_version, partitions)
    failpoints.reach("publish.before_rows", place)
    written = write_rows(serving, table, rows, entry.publish_number)
    failpoints.reach("publish.after_rows", place)
    here = [stored_keys(serving, table)] if partitions is None else []
    gone = vanished(table, rows, [*here, *_keys_of(lake, table, before, partitions)])
    deleted = delete_rows(serving, table, gone, entry.publish_number)
    failpoints.reach("publish.after_deletes", place)
    return written, deleted


def snapshot(serving: ServingSession, ledger: Ledger, lake: Lake, table: Table, entry: Entry) -> tuple[int, int]:
    """Write a generation (unless a rollback finds the earlier one still there) and send readers to it.

    Returns the number of rows written and of generations' partitions deleted. Raises SupersededError when a higher
    number was first; what was written is deleted by a later publication.
    """
    place = f"{table.full_name}/cassandra"
    generation, written = entry.generation, 0
    if generation is None:
        rows = lake.rows(table, entry.delta_version)
        failpoints.reach("publish.before_rows", place)
        generation, written = entry.publish_number, write_rows(serving, table, rows, entry.publish_number)
        failpoints.reach("publish.after_rows", place)
    failpoints.reach("publish.before_pointer", place)
    former = pointer(serving, table.full_name, serial=True)
    if not move_pointer(serving, table.full_name, Pointer(entry.publish_number, generation, entry.delta_version)):
        raise superseded(entry)
    failpoints.reach("publish.after_pointer", place)
    ledger.complete(entry, generation)
    failpoints.reach("publish.before_cleanup", place)
    return written, _clean(serving, ledger, table, entry, former.generation if former else None)


def complete_pointed(serving: ServingSession, ledger: Ledger, table: Table) -> None:
    """Complete the publication that readers are sent to, if its publisher died before it said so.

    Else the ledger would have the one before in force, and a rollback would go two versions back.
    """
    read = pointer(serving, table.full_name, serial=True)
    for entry in ledger.entries(table.full_name, "cassandra"):
        if read and entry.publish_number == read.publish_number and not entry.is_completed:
            ledger.complete(entry, read.generation)


def vanished(table: Table, rows: pa.Table, before: Collection[pa.Table]) -> pa.Table:
    """Keys (columns of `table.key`) that occur in one of the tables `before` and not in `rows`."""
    now = _as_stored(rows.select(table.key))
    if not before:
        return now.slice(0, 0)
    keys = pa.concat_tables([_as_stored(one.select(table.key)) for one in before]).group_by(table.key).aggregate([])
    return keys.join(now, keys=list(table.key), join_type="left anti")


def _clean(serving: ServingSession, ledger: Ledger, table: Table, entry: Entry, former: int | None) -> int:
    entries = ledger.entries(entry.table_name, entry.store)
    kept = kept_generations(entries, entry, former, datetime.now(UTC))
    # Said before it is done: a rollback must never be sent to a generation that is half deleted.
    for one in forgotten(entries, kept, entry.publish_number):
        ledger.forget_generation(one)
    failpoints.reach("publish.generation_forgotten", f"{table.full_name}/cassandra")
    return delete_generations(serving, table, kept, entry.publish_number)


def _keys_of(
    lake: Lake, table: Table, versions: Collection[int], partitions: Collection[PartitionValue] | None
) -> list[pa.Table]:
    if partitions is not None:
        return [lake.rows(table, version, partitions) for version in versions]
    found = []
    for version in versions:
        try:
            found.append(lake.rows(table, version))
        except MissingInputError:
            # Vacuumed: what of it is stored already was found in the store itself.
            continue
    return found


def _as_stored(keys: pa.Table) -> pa.Table:
    """Keys as Cassandra compares them: its timestamps have milliseconds."""
    for index, field in enumerate(keys.schema):
        if pa.types.is_timestamp(field.type):
            keys = keys.set_column(index, field.name, pc.floor_temporal(keys[field.name], unit="millisecond"))
    return keys
