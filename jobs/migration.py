"""An existing lake, warehouse and keyspace are brought to what the declarations say, or left alone as a whole.

Everything is looked at before anything is done. Each step looks again at what it changes, so that a migration that died
anywhere goes on when it is run again, and one that has nothing to do does nothing.
"""

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from typing import TYPE_CHECKING

from infra import failpoints, lake_shape
from infra.checks import Checker
from infra.lake import Lake
from infra.serving_store import shape as serving_shape
from infra.serving_store.session import ServingSession, serving_session
from infra.serving_store.tables import create_serving_table
from infra.settings import Settings
from infra.warehouse import shape as warehouse_shape
from infra.warehouse.client import Warehouse, warehouse
from infra.warehouse.tables import create_tables, refresh_view
from infra.warehouse.views import create_views_over
from jobs.declarations import event_changes, lake_changes
from jobs.run_lock import run_lock
from schemas import catalog
from schemas.drift import Change, drift, refused
from schemas.drift_kinds import Place
from schemas.model import Table

if TYPE_CHECKING:
    from infra.local.stack import Endpoints

Progress = Callable[[str, str], None]
"""Called with the full name of a table and the place where it is changed."""


def migrate(
    settings: Settings, endpoints: "Endpoints", dry_run: bool = False, on_progress: Progress | None = None
) -> list[Change]:
    """Find every difference and make what can be made; where one is refused, and of a dry run, nothing is done.

    Raises SupersededError when a run is at work, StoreUnavailableError when a store does not answer.
    """
    say = on_progress or (lambda _what, _where: None)
    lake, checker = Lake(settings.lake), Checker(settings.home)
    with (
        nullcontext() if dry_run else run_lock(settings.home),
        serving_session(settings, endpoints) as serving,
        warehouse(settings, endpoints) as house,
    ):
        changes = [*event_changes(), *lake_changes(lake, checker), *_stores(house, serving)]
        if dry_run or refused(changes):
            return changes
        for table in catalog.tables().values():
            if here := _to_do(changes, table, "lake"):
                say(table.full_name, "lake")
                lake_shape.migrate(lake, table, here)
        failpoints.reach("migrate.after_lake")
        for table in catalog.tables().values():
            if table.warehouse:
                if _to_do(changes, table, "bigquery"):
                    say(table.full_name, "bigquery")
                    create_tables(house, table)
                    failpoints.reach("migrate.before_view")
                refresh_view(house, table)
                create_views_over(house, table)
            if table.serving and _to_do(changes, table, "cassandra"):
                say(table.full_name, "cassandra")
                failpoints.reach("migrate.before_serving")
                create_serving_table(serving, table)
        failpoints.reach("migrate.after_stores")
        return changes


def _stores(house: Warehouse, serving: ServingSession) -> Iterator[Change]:
    for table in catalog.tables().values():
        if table.warehouse:
            stored = warehouse_shape.found_shape(house, table)
            yield from drift(table.full_name, warehouse_shape.declared_shape(table), stored)
        if table.serving:
            served = serving_shape.found_shape(serving, table)
            yield from drift(table.full_name, serving_shape.declared_shape(table), served)


def _to_do(changes: list[Change], table: Table, place: Place) -> list[Change]:
    return [one for one in changes if one.verdict == "migrate" and one.place == place and one.of == table.full_name]
