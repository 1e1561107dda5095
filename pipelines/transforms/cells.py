"""Cells of the minute tables from accepted events, by absolute values.

The state of a window is a table of *atoms*: one row for each combination of all keys that any minute table has, with
its counts. Every table is one `group_by` of it, distinct counts included, so tables of a minute cannot disagree.
"""

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from playback.arrow import arrow_schema
from schemas.live import MINUTE_DEVICE_PLAYS, MINUTE_TRACK_PLAYS, MINUTE_TRACK_TOTALS, MINUTE_USER_PLAYS
from schemas.model import Table

ATOM_KEYS = ("window_start", "country", "track_id", "user_id", "device_id")
COUNTS = ("playback_count", "play_count", "skip_count")
_DISTINCT = {"listener_count": "user_id", "track_count": "track_id"}
MINUTE_TABLES = (MINUTE_TRACK_PLAYS, MINUTE_USER_PLAYS, MINUTE_DEVICE_PLAYS, MINUTE_TRACK_TOTALS)
ATOMS = pa.schema(
    [
        pa.field("window_start", pa.timestamp("us", "UTC")),
        *(pa.field(name, pa.string()) for name in ATOM_KEYS[1:]),
        *(pa.field(name, pa.int64()) for name in COUNTS),
    ]
)


EMPTY_CELLS: pa.Table = arrow_schema(MINUTE_TRACK_PLAYS.fields).empty_table()


def atoms_of(events: pa.RecordBatch, window_us: int) -> pa.Table:
    """One atom for each event about music; `events` are accepted rows with the columns of CLASSIFIED_SCHEMA."""
    music = events.filter(pc.equal(events["content_type"], "track"))
    starts = music["occurred_at"].cast(pa.int64()).to_numpy() // window_us * window_us
    columns: list[pa.Array] = [pa.array(starts, pa.int64()).cast(ATOMS.field("window_start").type)]
    columns += [music[name] for name in ATOM_KEYS[1:]]
    columns.append(pa.array(np.ones(music.num_rows, np.int64)))
    columns += [music[name].cast(pa.int64()) for name in ("counts_as_play", "is_skip")]
    return pa.Table.from_arrays(columns, schema=ATOMS)


def merged(atoms: list[pa.Table]) -> pa.Table:
    """The atoms with one row for each combination of keys."""
    together = pa.concat_tables(atoms)
    sums = together.group_by(list(ATOM_KEYS)).aggregate([(name, "sum") for name in COUNTS])
    return sums.rename_columns([*ATOM_KEYS, *COUNTS]).cast(ATOMS)


def cells_of(table: Table, atoms: pa.Table) -> pa.Table:
    """The declared rows of a minute table; atoms without one of its keys (a device) are in none of its cells."""
    for name in table.key:
        if atoms[name].null_count:
            atoms = atoms.filter(atoms[name].is_valid())
    distinct = [name for name in _DISTINCT if name in {field.name for field in table.fields}]
    wanted = [(name, "sum") for name in COUNTS] + [(_DISTINCT[name], "count_distinct") for name in distinct]
    found = atoms.group_by(list(table.key)).aggregate(wanted)
    found = found.rename_columns([*table.key, *COUNTS, *distinct])
    return found.select([field.name for field in table.fields]).cast(arrow_schema(table.fields))


def changed_cells(table: Table, atoms: pa.Table, fresh: pa.Table) -> pa.Table:
    """Those cells of all `atoms` that one of the `fresh` ones belongs to."""
    keys = list(table.key)
    touched = fresh.select(keys).group_by(keys).aggregate([])
    return cells_of(table, atoms.join(touched, keys=keys, join_type="left semi"))


@dataclass
class Window:
    """One open minute: merged atoms that are written, and those that are not yet."""

    written: pa.Table = field(default_factory=ATOMS.empty_table)
    fresh: list[pa.Table] = field(default_factory=list)

    def changes(self) -> dict[str, pa.Table]:
        """Changed cells by full table name; they count as written from now on."""
        if not self.fresh:
            return {}
        fresh = merged(self.fresh)
        self.written, self.fresh = merged([self.written, fresh]), []
        return {table.full_name: changed_cells(table, self.written, fresh) for table in MINUTE_TABLES}


class OpenWindows:
    """The windows that may still change, from `since_us` on; what belongs to an earlier one is left alone."""

    def __init__(self, since_us: int) -> None:
        self._since_us = since_us
        self._windows: dict[int, Window] = {}

    def add(self, atoms: pa.Table) -> None:
        """Count atoms in their windows."""
        starts = atoms["window_start"].cast(pa.int64()).to_numpy()
        for start in np.unique(starts[starts >= self._since_us]).tolist():
            window = self._windows.setdefault(start, Window())
            window.fresh.append(atoms.filter(pa.array(starts == start)))

    def changes(self, before_us: int | None = None) -> dict[str, pa.Table]:
        """Changed cells by full table name, of windows that start before a time or (None) of all."""
        found: dict[str, list[pa.Table]] = {}
        for start in sorted(self._windows):
            if before_us is None or start < before_us:
                for name, cells in self._windows[start].changes().items():
                    found.setdefault(name, []).append(cells)
        return {name: pa.concat_tables(cells) for name, cells in found.items()}

    def close(self, before_us: int) -> pa.Table:
        """Forget the windows that start before a time: they are over, and written.

        Returns their rows of `live.minute_track_plays`.
        """
        self._since_us = max(self._since_us, before_us)
        over = [self._windows.pop(start) for start in sorted(self._windows) if start < before_us]
        return pa.concat_tables([EMPTY_CELLS, *(cells_of(MINUTE_TRACK_PLAYS, window.written) for window in over)])
