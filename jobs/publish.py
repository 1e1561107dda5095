"""Publication of a Delta version to the stores that a table declares, and the way back.

A publication has a number, allotted by the ledger (`infra.serving_store.ledger`) before anything is written or made.
Only partitions that were touched since the publication in force are sent; the whole table where the store had none, or
where a publication was started after that one and did not end. Publishing again what is published does nothing; of two
publishers the higher number wins in every store.

A rollback is a publication too: of the version that was in force before, under a new number. It holds until a Delta
version comes that is newer than what was taken back; until then `publish` says so and leaves the store alone.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from infra import failpoints, run_log
from infra.lake import Lake
from infra.serving_store.ledger import Entry, Store, last_completed, unfinished
from infra.serving_store.plan import is_held, plan_publish, plan_rollback
from infra.serving_store.sending import snapshot, upsert
from infra.settings import Settings
from infra.warehouse.merge import fence, merge_rows
from infra.warehouse.tables import create_fences, create_view
from infra.warehouse.views import create_views_over
from jobs.stores import Stores, declared_stores, make_tables, open_stores, publish_mode, take_stock
from schemas.errors import InputError, MissingInputError
from schemas.model import Table
from schemas.periods import PartitionValue

if TYPE_CHECKING:
    from infra.local.stack import Endpoints

Progress = Callable[[str, str], None]
"""Called with the full name of a table and what is done with it."""


@dataclass(frozen=True)
class Publication:
    """What one publication sent: `partitions` is empty where the scope was the whole table.

    `deleted` counts rows that are no more; of a snapshot the partitions of earlier generations that were cleaned up.
    """

    table: str
    store: Store
    publish_number: int
    delta_version: int
    rows: int
    deleted: int
    partitions: tuple[PartitionValue, ...]
    seconds: float


def publish(
    settings: Settings,
    endpoints: "Endpoints",
    lake: Lake,
    table: Table,
    version: int,
    on_progress: Progress | None = None,
) -> list[Publication]:
    """Publish Delta `version` of the table to each store it declares; one publication for each that had not got it.

    BigQuery needs Cassandra as well: the ledger is there.

    Raises:
        SupersededError: a newer version is published, or a publisher with a higher number was first.
        MissingInputError: the lake has no such version.
        StoreUnavailableError: a store does not answer; run it again.
    """
    done = []
    with open_stores(settings, endpoints, table) as stores:
        for store in declared_stores(table):
            started = time.monotonic()
            is_missing = take_stock(stores, table, store)

            def plan(entries: list[Entry], store: Store = store, is_missing: bool = is_missing) -> Entry | None:
                return plan_publish(entries, table.full_name, store, publish_mode(table, store), version, is_missing)

            entry = _start(stores, table, store, plan)
            if entry is None:
                if is_held(stores.ledger.entries(table.full_name, store), version):
                    _say(on_progress, table, f"{store} is held at an earlier version by a rollback")
                continue
            _say(on_progress, table, f"publish to {store}")
            done.append(_send(stores, lake, table, entry, is_missing, started))
    return done


def rollback(settings: Settings, endpoints: "Endpoints", lake: Lake, table: Table) -> list[Publication]:
    """Take the last publication back, in every store that has got it.

    Raises:
        InputError: there was no earlier version, or the table is not published.
        MissingInputError: the lake no longer has the earlier version.
        StoreUnavailableError: a store does not answer; run it again.
    """
    done = []
    with open_stores(settings, endpoints, table) as stores:
        missing = {store: take_stock(stores, table, store) for store in declared_stores(table)}
        current = {
            store: last_completed(stores.ledger.entries(table.full_name, store)) for store in declared_stores(table)
        }
        newest = max((entry.delta_version for entry in current.values() if entry), default=None)
        # A store that the last publication did not reach is where the others go back to.
        behind = [store for store, entry in current.items() if entry and entry.delta_version == newest]
        if not behind:
            raise InputError(f"{table.full_name} is not published: there is nothing to roll back.")
        for store in behind:
            plan_rollback(stores.ledger.entries(table.full_name, store), table.full_name, store)
        for store in behind:
            started = time.monotonic()

            def plan(entries: list[Entry], store: Store = store) -> Entry:
                return plan_rollback(entries, table.full_name, store)

            entry = _start(stores, table, store, plan)
            assert entry is not None, "a rollback is always planned"
            done.append(_send(stores, lake, table, entry, missing[store], started))
    return done


def _start(stores: Stores, table: Table, store: Store, plan: Callable[[list[Entry]], Entry | None]) -> Entry | None:
    """Enter the planned publication, under a number above what the warehouse has seen even if the ledger was lost."""
    lowest = 1
    if store == "bigquery" and stores.warehouse and not stores.ledger.entries(table.full_name, store):
        create_fences(stores.warehouse, table)
        lowest = fence(stores.warehouse, table) + 1
    return stores.ledger.start(plan, table.full_name, store, lowest)


def _send(stores: Stores, lake: Lake, table: Table, entry: Entry, is_missing: bool, started: float) -> Publication:
    # After the ledger's entry: of a table that was made and not filled the ledger knows that it is not.
    place = f"{table.full_name}/{entry.store}"
    failpoints.reach("publish.entered", place)
    make_tables(stores, table, entry.store)
    failpoints.reach("publish.after_create", place)
    earlier = [one for one in stores.ledger.entries(entry.table_name, entry.store) if one != entry]
    earlier = [one for one in earlier if one.publish_number < entry.publish_number]
    current = None if is_missing else last_completed(earlier)
    unended = unfinished(earlier)
    before = {one.delta_version for one in unended} | ({current.delta_version} if current else set())
    # What did not end may have been the filling of a new table: what is in the store is not known.
    partitions = touched_scope(lake, table, entry.delta_version, before) if current and not unended else None
    if publish_mode(table, entry.store) == "snapshot":
        rows, deleted = snapshot(stores.serving, stores.ledger, lake, table, entry)
        partitions = None
    else:
        rows, deleted = (0, 0) if partitions == set() else _merge(stores, lake, table, entry, before, partitions)
        stores.ledger.complete(entry)
    failpoints.reach("publish.completed", place)
    done = Publication(
        table.full_name,
        entry.store,
        entry.publish_number,
        entry.delta_version,
        rows,
        deleted,
        tuple(sorted(partitions or (), key=str)),
        time.monotonic() - started,
    )
    _tell(done)
    return done


def _tell(done: Publication) -> None:
    told = {"version": done.delta_version, "publish_number": done.publish_number, "rows": done.rows}
    run_log.published(done.table, done.store, **told, deleted=done.deleted, seconds=round(done.seconds, 3))


def _merge(
    stores: Stores, lake: Lake, table: Table, entry: Entry, before: set[int], partitions: set[PartitionValue] | None
) -> tuple[int, int]:
    if entry.store == "cassandra":
        return upsert(stores.serving, lake, table, entry, before, partitions)
    assert stores.warehouse is not None
    rows = lake.rows(table, entry.delta_version, partitions)
    merged = merge_rows(stores.warehouse, table, rows, entry.publish_number, entry.delta_version, partitions)
    failpoints.reach("publish.merged", f"{table.full_name}/bigquery")
    create_view(stores.warehouse, table)
    create_views_over(stores.warehouse, table)
    return merged.rows, merged.deleted


def touched_scope(lake: Lake, table: Table, version: int, before: set[int]) -> set[PartitionValue] | None:
    """Partitions in which `version` may differ from the versions `before`; None: the whole table.

    The whole table too where it has none, or the lake's log no longer reaches back.
    """
    if table.partition_by is None:
        return None
    versions = {version, *before}
    try:
        return lake.touched_partitions(table, min(versions), max(versions))
    except MissingInputError:
        return None


def _say(on_progress: Progress | None, table: Table, what: str) -> None:
    if on_progress:
        on_progress(table.full_name, what)
