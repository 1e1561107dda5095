"""Cells of the minute tables from accepted events, by absolute values.

Each open window counts on its own: its keys are numbers (`numbering`), its counts arrays, its distinct listeners and
tracks sorted pairs of numbers. So a change costs what has come since the one before, however much the window holds.
"""

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.transforms.keys import Ints, distinct
from pipelines.transforms.numbering import Names, Numbering
from playback.arrow import arrow_schema
from schemas.live import MINUTE_DEVICE_PLAYS, MINUTE_TRACK_PLAYS, MINUTE_TRACK_TOTALS, MINUTE_USER_PLAYS
from schemas.model import Table

ATOM_KEYS = ("window_start", "country", "track_id", "user_id", "device_id")
COUNTS = ("playback_count", "play_count", "skip_count")
_DISTINCT = {"listener_count": "user_id", "track_count": "track_id"}
MINUTE_TABLES = (MINUTE_TRACK_PLAYS, MINUTE_USER_PLAYS, MINUTE_DEVICE_PLAYS, MINUTE_TRACK_TOTALS)
ATOMS = pa.schema(
    [
        pa.field("window_start", pa.int64()),
        *(pa.field(name, pa.string()) for name in ATOM_KEYS[1:]),
        *(pa.field(name, pa.bool_()) for name in COUNTS[1:]),
    ]
)
_GATHERED = 100_000
"""Atoms of a window that wait to be counted at most: as few as keep the cost of numbering small."""


EMPTY_CELLS: pa.Table = arrow_schema(MINUTE_TRACK_PLAYS.fields).empty_table()


def atoms_of(music: pa.RecordBatch, window_us: int) -> pa.RecordBatch:
    """One atom for each of the accepted playbacks of tracks, rows with the columns of CLASSIFIED_SCHEMA."""
    starts = music["occurred_at"].cast(pa.int64()).to_numpy() // window_us * window_us
    columns = [pa.array(starts, pa.int64()), *(music[name] for name in ATOM_KEYS[1:])]
    return pa.RecordBatch.from_arrays([*columns, music["counts_as_play"], music["is_skip"]], schema=ATOMS)


class Cells:
    """The cells of one table in one window: numbered keys, counts, and what was not given out yet."""

    def __init__(self, table: Table) -> None:
        names = [one.name for one in table.fields]
        self._table = table
        self._keys = table.key[1:]
        self._counted = [name for name in COUNTS if name in names]
        self._distinct = next(name for name in _DISTINCT if name in names)
        self._member = _DISTINCT[self._distinct]
        self._pairs, self._members = Numbering(), Numbering()
        self._left: Ints = np.zeros(0, np.int64)
        self._counts = {name: np.zeros(0, np.int64) for name in (*self._counted, self._distinct)}
        self._changed: npt.NDArray[np.bool_] = np.zeros(0, np.bool_)

    def add(self, numbers: dict[str, Ints], chosen: dict[str, npt.NDArray[np.bool_]]) -> None:
        """Count atoms: the numbers of their keys, -1 for none, and which of them a count is of."""
        present = np.logical_and.reduce([numbers[name] >= 0 for name in self._keys])
        cells = self._cells([numbers[name][present] for name in self._keys])
        self._grow(1 + int(cells.max(initial=-1)))
        self._changed[cells] = True
        for name in self._counted:
            np.add.at(self._counts[name], cells[chosen[name][present]], 1)
        pairs = distinct(cells << 32 | numbers[self._member][present])
        before = self._members.count
        fresh = pairs[self._members.numbers(pairs) >= before]
        np.add.at(self._counts[self._distinct], fresh >> 32, 1)

    def _cells(self, keys: list[Ints]) -> Ints:
        """The number of each atom's cell: that of its only key, or one of its own for two of them."""
        if len(keys) == 1:
            return keys[0]
        left, right = keys
        pairs = left << 32 | right
        ranked = distinct(pairs)
        before = self._pairs.count
        numbers = self._pairs.numbers(ranked)
        self._left = np.concatenate([self._left, ranked[numbers >= before]])
        return numbers[np.searchsorted(ranked, pairs)]

    def _grow(self, size: int) -> None:
        more = size - len(self._changed)
        if more > 0:
            self._changed = np.concatenate([self._changed, np.zeros(more, np.bool_)])
            self._counts = {name: np.concatenate([one, np.zeros(more, np.int64)]) for name, one in self._counts.items()}

    def rows(self, start_us: int, names: dict[str, Names], only_changed: bool) -> pa.Table:
        """Rows of the table, of all cells or of those that changed, which count as given out from then on."""
        cells = np.flatnonzero(self._changed) if only_changed else np.flatnonzero(self._counts[self._distinct])
        if only_changed:
            self._changed[cells] = False
        numbers = [cells] if len(self._keys) == 1 else [self._left[cells] >> 32, self._left[cells] & 0xFFFFFFFF]
        columns = {"window_start": pa.repeat(pa.scalar(start_us, pa.int64()), len(cells))}
        columns |= {name: names[name].texts(found) for name, found in zip(self._keys, numbers, strict=True)}
        columns |= {name: pa.array(counts[cells]) for name, counts in self._counts.items()}
        schema = arrow_schema(self._table.fields)
        return pa.table([columns[name].cast(schema.field(name).type) for name in schema.names], schema=schema)


class Window:
    """One open minute: what is counted, and atoms that are not yet."""

    def __init__(self, start_us: int) -> None:
        self._start_us = start_us
        self._waiting: list[pa.RecordBatch] = []
        self._waiting_count = 0
        self._cells = {table.full_name: Cells(table) for table in MINUTE_TABLES}
        self._names = {name: Names() for name in ATOM_KEYS[1:]}
        self._has_changed = False

    def add(self, atoms: pa.RecordBatch) -> None:
        """Take atoms of this window."""
        self._waiting.append(atoms)
        self._waiting_count += atoms.num_rows
        if self._waiting_count >= _GATHERED:
            self._count()

    def changes(self) -> dict[str, pa.Table]:
        """Changed cells by full table name; they count as written from now on."""
        self._count()
        if not self._has_changed:
            return {}
        self._has_changed = False
        return {name: cells.rows(self._start_us, self._names, True) for name, cells in self._cells.items()}

    def all_of(self, table: Table) -> pa.Table:
        """All rows of one table."""
        self._count()
        return self._cells[table.full_name].rows(self._start_us, self._names, False)

    def _count(self) -> None:
        if not self._waiting_count:
            return
        atoms = pa.concat_batches(self._waiting)
        self._waiting, self._waiting_count, self._has_changed = [], 0, True
        numbers = {name: names.numbers(atoms[name]) for name, names in self._names.items()}
        chosen = {name: atoms[name].to_numpy(zero_copy_only=False) for name in COUNTS[1:]}
        chosen[COUNTS[0]] = np.ones(atoms.num_rows, np.bool_)
        for cells in self._cells.values():
            cells.add(numbers, chosen)


class OpenWindows:
    """The windows that may still change, from `since_us` on; what belongs to an earlier one is left alone."""

    def __init__(self, since_us: int) -> None:
        self._since_us = since_us
        self._windows: dict[int, Window] = {}

    def add(self, atoms: pa.RecordBatch) -> None:
        """Count atoms in their windows."""
        starts = atoms["window_start"].to_numpy()
        for start in distinct(starts[starts >= self._since_us]).tolist():
            window = self._windows.setdefault(start, Window(start))
            window.add(atoms.filter(pa.array(starts == start)))

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
        return pa.concat_tables([EMPTY_CELLS, *(window.all_of(MINUTE_TRACK_PLAYS) for window in over)])
