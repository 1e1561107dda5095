"""Playbacks of windows that may still change, found by listener."""

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.transforms.keys import Ints, is_first
from pipelines.transforms.standings import Growing


class OpenPlaybacks:
    """Tables in the order in which they came, of which each row knows the one before it of the same listener.

    So a row costs little when it comes, and to find those of a listener takes no look at the others. Listeners are
    numbers from 0; `empty` has no rows, and the columns that the tables have.
    """

    def __init__(self, empty: pa.Table) -> None:
        self._empty = empty
        self._latest = Growing(fill=-1)
        self._previous = Growing()
        self._tables: list[pa.Table] = []
        self._starts: list[int] = []
        self._first = self._count = 0

    def add(self, listeners: Ints, playbacks: pa.Table) -> None:
        """Take playbacks of these listeners, at least one."""
        self._latest.grow(1 + int(listeners.max()))
        latest = self._latest.values
        order = np.argsort(listeners, kind="stable")
        ranked, places = listeners[order], self._count + order
        begins = is_first(ranked)
        held = self._count - self._first
        self._previous.grow(held + len(order))
        self._previous.values[held + order] = np.where(begins, latest[ranked], np.append(-1, places[:-1]))
        ends = np.append(begins[1:], True)
        latest[ranked[ends]] = places[ends]
        self._tables.append(playbacks)
        self._starts.append(self._count)
        self._count += len(order)

    def of(self, listeners: Ints) -> tuple[Ints, pa.Table]:
        """The rows of these distinct listeners, and whose each one is."""
        who = listeners[listeners < len(self._latest.values)]
        places = self._latest.values[who]
        found, whose = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
        while len(places):
            is_held = places >= self._first
            places, who = places[is_held], who[is_held]
            found.append(places)
            whose.append(who)
            places = self._previous.values[places - self._first]
        chosen = np.concatenate(found)
        order = np.argsort(chosen)
        return np.concatenate(whose)[order], self._rows(chosen[order])

    def _rows(self, places: Ints) -> pa.Table:
        """Rows by their places, which rise."""
        bounds = np.searchsorted(places, [*self._starts, self._count])
        found = [self._empty]
        for table, start, begin, end in zip(self._tables, self._starts, bounds[:-1], bounds[1:], strict=True):
            if begin < end:
                found.append(table.take(pa.array(places[begin:end] - start)))
        return pa.concat_tables(found)

    def has_any(self) -> npt.NDArray[np.bool_]:
        """Of which listeners, by number, there are rows."""
        return self._latest.values >= self._first

    def forget(self, before_us: int) -> None:
        """Forget the tables at the beginning that have nothing of a time or later; others keep what is older."""
        while self._tables and pc.max(self._tables[0]["occurred_us"]).as_py() < before_us:
            del self._tables[0], self._starts[0]
        first = self._starts[0] if self._starts else self._count
        self._previous = Growing.of(self._previous.values[first - self._first :])
        self._first = first

    def renumber(self, kept: Ints, numbers: Ints) -> None:
        """The listeners that were `kept` are `numbers` now; of the others there must be no rows."""
        before, self._latest = self._latest, Growing(fill=-1)
        before.grow(1 + int(kept.max(initial=-1)))
        self._latest.grow(len(kept))
        self._latest.values[numbers] = before.values[kept]
