"""A lake whose commits can be made to have happened earlier."""

import json
import os
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from infra import delta_log
from infra.housekeeping import vacuum
from infra.lake import Lake
from infra.leftovers import Removal
from playback.arrow import arrow_schema
from schemas.gold import DAILY_TRACK_PLAYS
from schemas.model import Field, Table

WEEK = timedelta(days=7)
DAY = date(2026, 1, 1)


def stand_in(field: Field) -> Any:
    made = datetime(2026, 1, 1, tzinfo=UTC)
    ordinary = {"string": "", "int": 0, "long": 0, "date": DAY, "timestamp": made, "boolean": False}
    return None if field.nullable else ordinary[field.type]


def rows(table: Table, *given: dict[str, Any]) -> pa.Table:
    filled = [{field.name: one.get(field.name, stand_in(field)) for field in table.stored_fields} for one in given]
    return pa.Table.from_pylist(filled, schema=arrow_schema(table.stored_fields))


class Shelf:
    """One lake whose commits can be made to have happened earlier."""

    def __init__(self, root: Path) -> None:
        self.lake = Lake(root)

    def put(self, day: date, *tracks: str, mode: str = "append") -> int:
        """Add rows to a day (`overwrite`: replace all of the table); returns the version."""
        self.lake.create(DAILY_TRACK_PLAYS)
        given = rows(DAILY_TRACK_PLAYS, *({"event_date": day, "track_id": track, "country": "DE"} for track in tracks))
        write_deltalake(self.lake.path(DAILY_TRACK_PLAYS), given, mode=mode)
        return self.version

    @property
    def version(self) -> int:
        found = self.lake.version(DAILY_TRACK_PLAYS)
        assert found is not None
        return found

    def tracks(self, version: int | None = None) -> list[str]:
        return sorted(self.lake.rows(DAILY_TRACK_PLAYS, version)["track_id"].to_pylist())

    def age(self, days: float, *versions: int) -> None:
        """Make these commits, and the files that they brought, older than they are."""
        folder = self.lake.path(DAILY_TRACK_PLAYS)
        for version in versions:
            log = folder / "_delta_log" / f"{version:020d}.json"
            actions = [json.loads(line) for line in log.read_text().splitlines()]
            for action in actions:
                for stamped in ("timestamp", "deletionTimestamp", "modificationTime"):
                    for body in action.values():
                        if stamped in body:
                            body[stamped] -= int(days * 86_400_000)
            log.write_text("".join(json.dumps(action) + "\n" for action in actions))
            made = delta_log.commit(folder, version)
            assert made is not None
            for name in made.added:
                set_back(folder / name, days)

    def vacuum(self, *needed: int, dry_run: bool = False) -> Removal:
        return vacuum(self.lake, DAILY_TRACK_PLAYS, needed, WEEK, dry_run)


def set_back(file: Path, days: float) -> None:
    if file.exists():
        moment = file.stat().st_mtime - days * 86_400
        os.utime(file, (moment, moment))


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path / "lake")
