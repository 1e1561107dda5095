"""The stores that a table is published to: their connections, and their tables as the declaration wants them."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from infra.serving_store.ledger import Ledger, Mode, Store
from infra.serving_store.sending import complete_pointed
from infra.serving_store.session import ServingSession, serving_session
from infra.serving_store.tables import create_control_tables, create_serving_table
from infra.settings import Settings
from infra.warehouse.client import Warehouse, warehouse
from infra.warehouse.tables import create_tables, table_exists
from schemas.errors import InputError
from schemas.model import Table
from schemas.render.cassandra import table_name

if TYPE_CHECKING:
    from infra.local.stack import Endpoints


@dataclass(frozen=True)
class Stores:
    """Open connections: `warehouse` is None where the table is not published to BigQuery."""

    serving: ServingSession
    warehouse: Warehouse | None
    ledger: Ledger


def declared_stores(table: Table) -> list[Store]:
    """The stores that the table is published to, in the order in which that is done."""
    stores: list[Store] = ["bigquery"] if table.warehouse else []
    return [*stores, "cassandra"] if table.serving else stores


def publish_mode(table: Table, store: Store) -> Mode:
    """How the store is brought to another version of the table."""
    return "merge" if store == "bigquery" or table.serving is None else table.serving.mode


@contextmanager
def open_stores(settings: Settings, endpoints: "Endpoints", table: Table) -> Iterator[Stores]:
    """Connect to the stores of the table. Raises InputError where it has none, StoreUnavailableError."""
    if not declared_stores(table):
        raise InputError(f"{table.full_name} is published nowhere: give its declaration a Warehouse or a Serving.")
    with ExitStack() as stack:
        serving = stack.enter_context(serving_session(settings, endpoints))
        create_control_tables(serving, settings)
        house = stack.enter_context(warehouse(settings, endpoints)) if table.warehouse else None
        yield Stores(serving, house, Ledger(serving))


def take_stock(stores: Stores, table: Table, store: Store) -> bool:
    """Make the ledger say what the store holds before anything is planned; returns whether the store has no table."""
    if store == "cassandra":
        complete_pointed(stores.serving, stores.ledger, table)
    is_missing = _is_missing(stores, table, store)
    if is_missing:
        # Generations went with the table: a rollback must write them again.
        for entry in stores.ledger.entries(table.full_name, store):
            if entry.generation is not None:
                stores.ledger.forget_generation(entry)
    return is_missing


def make_tables(stores: Stores, table: Table, store: Store) -> None:
    """Make the store's tables fit the declaration."""
    if store == "cassandra":
        create_serving_table(stores.serving, table)
        return
    assert stores.warehouse is not None
    create_tables(stores.warehouse, table)


def _is_missing(stores: Stores, table: Table, store: Store) -> bool:
    """Whether the store has no table, so that all of it is to be sent."""
    if store == "cassandra":
        return not stores.serving.columns(table_name(table))
    assert stores.warehouse is not None
    return not table_exists(stores.warehouse, table)
