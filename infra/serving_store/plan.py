"""What the next publication of a table to a store is, decided from the ledger alone; nothing here talks to a server."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import pairwise

from infra.serving_store.ledger import Entry, Mode, Store, last_completed, unfinished
from schemas.errors import InputError, SupersededError

GRACE = timedelta(hours=1)
"""How long a generation stays after readers were sent to another one."""


def plan_publish(
    entries: list[Entry], table_name: str, store: Store, mode: Mode, version: int, is_missing: bool = False
) -> Entry | None:
    """The publication of Delta `version`, or None when it is published already or held back by a rollback.

    `is_missing` says that the store lost the table, so that it is published again. After a publication that did not
    end nothing counts as published: it may have left half of its rows.
    Raises SupersededError when a newer version is published or about to be.
    """
    current, started = last_completed(entries), unfinished(entries)
    published = max([entry.delta_version for entry in started if entry.mode != "rollback"], default=-1)
    if current is not None:
        if is_held(entries, version):
            return None
        published = max(published, current.delta_version)
    if version < published:
        raise SupersededError(
            f"Version {published} of {table_name} is published to {store} already, or about to be, which is newer than "
            f"version {version}: publish the newest one, or go back with `tonearm rollback {table_name}`."
        )
    base = current.delta_version if current else None
    if current and version == current.delta_version:
        if not is_missing and not started:
            return None
        base = current.base_version
    return Entry(table_name, store, 1, mode, version, base_version=base)


def is_held(entries: list[Entry], version: int) -> bool:
    """Whether a rollback is in force that took this version back."""
    current = last_completed(entries)
    return (
        current is not None
        and current.mode == "rollback"
        and version <= (current.withheld_version if current.withheld_version is not None else -1)
    )


def plan_rollback(entries: list[Entry], table_name: str, store: Store) -> Entry:
    """The publication of what was in force before; raises InputError when nothing was."""
    current = last_completed(entries)
    if current is None or current.base_version is None:
        raise InputError(f"There is nothing to roll {table_name} back to in {store}: no earlier version was published.")
    same = [entry for entry in entries if entry.is_completed and entry.delta_version == current.base_version]
    return Entry(
        table_name,
        store,
        1,
        "rollback",
        current.base_version,
        generation=next((entry.generation for entry in same if entry.generation is not None), None),
        base_version=next((entry.base_version for entry in same if entry.mode != "rollback"), None),
        withheld_version=max(current.delta_version, current.withheld_version or 0),
    )


def kept_generations(entries: list[Entry], entry: Entry, former: int | None, now: datetime) -> set[int]:
    """Generations that stay after `entry` was published: its own, the one before, and those within the grace period.

    `former` is the generation that readers were sent to before it.
    """
    completed = [one for one in entries if one.is_completed]
    before = [one.generation for one in completed if one.delta_version == entry.base_version and one.generation]
    recent = [
        older.generation
        for newer, older in pairwise(completed)
        if newer.finished_at is None or newer.finished_at > now - GRACE
    ]
    current = [one.generation for one in completed if one.publish_number >= entry.publish_number]
    return _present([*current, former, *before[:1], *recent])


def forgotten(entries: list[Entry], kept: Iterable[int], below: int) -> list[Entry]:
    """Entries whose generation is about to be deleted."""
    stay = set(kept)
    return [
        one for one in entries if one.generation is not None and one.generation < below and one.generation not in stay
    ]


def _present(generations: Iterable[int | None]) -> set[int]:
    return {generation for generation in generations if generation is not None}
