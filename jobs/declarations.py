"""Whether events and the lake are what the declarations say; no run begins on a lake that is not."""

import json
from collections.abc import Iterator, Sequence

from infra import lake_shape
from infra.checks import Checker
from infra.lake import Lake
from infra.settings import Settings
from schemas import catalog
from schemas.drift import Change, drift, refused
from schemas.drift_kinds import DROPPED_TABLE
from schemas.errors import MigrationError
from schemas.event_drift import RELEASED_FOLDER, event_drift
from schemas.events import RELEASED


def require_migrated(settings: Settings) -> None:
    """Raise MigrationError unless the released events and the lake are as the declarations say."""
    changes = [*event_changes(), *lake_changes(Lake(settings.lake), Checker(settings.home))]
    if found := refused(changes):
        raise MigrationError(refusal(found))
    if waiting := [change for change in changes if change.verdict == "migrate"]:
        what = ", ".join(f"{change.of} {change.about}" for change in waiting)
        raise MigrationError(
            f"The lake in {settings.home} is of earlier declarations ({what}): run `tonearm migrate`, then the same "
            "command again."
        )


def refusal(found: Sequence[Change]) -> str:
    """What is said of differences that nothing can be done about."""
    sentences = " ".join(change.sentence for change in found)
    return f"What is stored does not fit the declarations, and nothing was changed: {sentences}"


def event_changes() -> tuple[Change, ...]:
    """How the released events differ from what was written down of them."""
    files = RELEASED_FOLDER.glob("playback_event_v*.json")
    written = {int(file.stem.rpartition("_v")[2]): json.loads(file.read_text()) for file in files}
    return event_drift(RELEASED, written)


def lake_changes(lake: Lake, checker: Checker) -> Iterator[Change]:
    """How the tables of the lake differ from their declarations."""
    tables = catalog.lake_tables()
    for table in tables.values():
        found = lake_shape.found_shape(lake, checker, table)
        yield from drift(table.full_name, lake_shape.declared_shape(table), found)
    for name in lake_shape.undeclared(lake, set(tables)):
        yield Change("lake", name, DROPPED_TABLE)
