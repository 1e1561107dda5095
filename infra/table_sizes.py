"""How big the tables of a lake are, by their logs and the files there are."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import pyarrow as pa
from deltalake import DeltaTable

from infra import delta_log
from infra.lake import Lake
from infra.leftovers import room
from schemas.model import Table


@dataclass(frozen=True)
class TableSize:
    """One table: its current version, and what is kept of earlier ones.

    `stored_bytes` is of all data files; `versions` are those that can be read, counted back from the current one.
    """

    name: str
    rows: int
    files: int
    bytes: int
    smallest_bytes: int
    mean_bytes: int
    stored_bytes: int
    versions: int
    compacted_at: datetime | None  # UTC


@dataclass(frozen=True)
class Extent:
    """Rows, files and bytes of a part of a table, by the log's own statistics."""

    rows: int = 0
    files: int = 0
    bytes: int = 0

    def __add__(self, other: "Extent") -> "Extent":
        return Extent(self.rows + other.rows, self.files + other.files, self.bytes + other.bytes)


def extent(lake: Lake, table: Table, first: date = date.min, last: date = date.max) -> Extent:
    """The extent of the current version, of a table that is partitioned by dates from `first` to `last` only."""
    return sum((one for day, one in _files(lake, table) if day is None or first <= day <= last), Extent())


def rows_by_date(lake: Lake, table: Table) -> dict[date, int]:
    """Rows of the current version by date of `partition_by`; empty where the table has none."""
    counts: dict[date, int] = {}
    for day, one in _files(lake, table):
        if day is not None:
            counts[day] = counts.get(day, 0) + one.rows
    return counts


def _files(lake: Lake, table: Table) -> list[tuple[date | None, Extent]]:
    """Each live file with the date that it is of, if its table is partitioned by dates."""
    if lake.version(table) is None:
        return []
    actions: list[dict[str, Any]] = pa.table(DeltaTable(lake.path(table)).get_add_actions(flatten=True)).to_pylist()
    values = [one.get(f"partition.{table.partition_by}") for one in actions]
    return [
        (value if isinstance(value, date) else None, Extent(one["num_records"] or 0, 1, one["size_bytes"]))
        for value, one in zip(values, actions, strict=True)
    ]


def measure(lake: Lake, table: Table) -> TableSize | None:
    """Sizes of a table; None when it does not exist."""
    if lake.version(table) is None:
        return None
    sizes = lake.file_sizes(table)
    folder = lake.path(table)
    data = [file for file in folder.rglob("*.parquet") if "_delta_log" not in file.relative_to(folder).parts]
    versions, compacted_at = _history(lake, table, {str(file.relative_to(folder)) for file in data})
    return TableSize(
        table.full_name,
        lake.row_count(table),
        len(sizes),
        sum(sizes),
        min(sizes, default=0),
        sum(sizes) // max(len(sizes), 1),
        room(data).bytes,
        versions,
        compacted_at,
    )


def _history(lake: Lake, table: Table, stored: set[str]) -> tuple[int, datetime | None]:
    """How many versions the log has with all their files, and when it was last compacted as far as the log knows."""
    version, live = lake.version(table), lake.file_paths(table)
    count, compacted_at = 0, None
    while version is not None:
        count += live <= stored
        made = delta_log.commit(lake.path(table), version)
        if made is None or version == 0:
            break
        if compacted_at is None and made.operation == delta_log.COMPACTION:
            compacted_at = made.committed_at
        live, version = (live - made.added) | made.removed, version - 1
    return count, compacted_at
