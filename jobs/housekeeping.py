"""Housekeeping of a whole lake while runs go on: compaction, vacuum with a stated retention, what dead runs left.

Vacuum never takes what a publication, a rollback or the next run may still read: the version that passed its checks
last, the one in force in each store, the one before it, and those of publications that did not end.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from infra.checks import Checker
from infra.housekeeping import Compaction, compact, vacuum
from infra.lake import Lake
from infra.leftovers import Removal, remove_folder, remove_leftovers, room
from infra.serving_store.ledger import Ledger, Store, last_completed, unfinished
from infra.serving_store.session import serving_session
from infra.serving_store.tables import create_control_tables
from infra.settings import Settings
from jobs.run_lock import run_lock
from schemas import catalog
from schemas.errors import SupersededError
from schemas.model import Table

if TYPE_CHECKING:
    from infra.local.stack import Endpoints

Progress = Callable[[str, str], None]
"""Called with the full name of a table and what is done with it."""

STAGED = "staged files"


@dataclass(frozen=True)
class Upkeep:
    """What was done (of a dry run: is to be done) for one table, or for `STAGED`."""

    name: str
    compaction: Compaction
    removed: Removal


def maintain(
    settings: Settings, endpoints: "Endpoints", dry_run: bool = False, on_progress: Progress | None = None
) -> list[Upkeep]:
    """Compact and vacuum every table that exists, and clear what dead runs left behind.

    Raises StoreUnavailableError when Cassandra, where the publications are written down, does not answer; nothing is
    done then.
    """
    lake, checker = Lake(settings.lake), Checker(settings.home)
    retention = timedelta(days=settings.lake_retention_days)
    done = []
    with serving_session(settings, endpoints) as serving:
        create_control_tables(serving, settings)
        for table in catalog.lake_tables().values():
            if lake.version(table) is None:
                continue
            if on_progress:
                on_progress(table.full_name, "look" if dry_run else "tidy")
            compaction = compact(lake, table, dry_run)
            needed = needed_versions(Ledger(serving), checker, table)
            removed = vacuum(lake, table, needed, retention, dry_run)
            removed += remove_leftovers(lake.path(table), retention, dry_run)
            done.append(Upkeep(table.full_name, compaction, removed))
    staged = clear_staging(settings, dry_run) + remove_leftovers(settings.home / "checks", retention, dry_run)
    return [*done, Upkeep(STAGED, Compaction(), staged)]


def needed_versions(ledger: Ledger, checker: Checker, table: Table) -> set[int]:
    """Delta versions that a publication or a rollback may read, however old they are."""
    needed = {checker.passed_version(table)}
    for store in get_args(Store):
        entries = ledger.entries(table.full_name, store)
        current = last_completed(entries)
        for entry in [*unfinished(entries), *([current] if current else [])]:
            needed |= {entry.delta_version, entry.base_version}
    return {version for version in needed if version is not None}


def clear_staging(settings: Settings, dry_run: bool = False) -> Removal:
    """Remove what runs have staged beside the tables; nothing while a run is at work, which may be reading it."""
    staging = settings.lake / "_staging"
    if dry_run:
        return room(staging.rglob("*"))
    try:
        with run_lock(settings.home):
            # Out of the way at once, deleted afterwards: a run that begins now is not to wait for it.
            if staging.exists():
                staging.rename(_aside(staging))
    except SupersededError:
        return Removal()
    return sum((remove_folder(folder) for folder in settings.lake.glob("_staging.*")), Removal())


def _aside(staging: Path) -> Path:
    return staging.with_name(f"{staging.name}.{os.getpid()}")
