"""How the latest session of each listener stands, in arrays by the listener's number."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.transforms.keys import Ints
from schemas.live import EARLIER_PLAYS, RECENT_PLAYS

KEPT_ARTISTS = RECENT_PLAYS + EARLIER_PLAYS
LAST, STARTED, ARTIST_COUNT, ARTISTS = "last_occurred_at", "session_started_at", "artist_count", "artists"
COUNTED = ("playback_count", "play_count", "skip_count", "skips_in_a_row")
NEVER = -(1 << 62)
"""The moment of a last playback where there is none."""

Columns = dict[str, npt.NDArray[np.int64]]
"""Moments in microseconds (UTC), counts, and of each row KEPT_ARTISTS places for artists: those that count, oldest
first, and then nothing."""


class Growing:
    """An array that gets longer at its end; what is new in it is `fill`."""

    def __init__(self, fill: int = 0, width: tuple[int, ...] = ()) -> None:
        self._fill, self._count = fill, 0
        self._held: Ints = np.full((0, *width), fill, np.int64)

    @property
    def values(self) -> Ints:
        """The array; a view, until it grows."""
        return self._held[: self._count]

    @classmethod
    def of(cls, values: Ints) -> "Growing":
        """One that has these values, and is no view of them."""
        made = cls()
        made._held, made._count = values.copy(), len(values)
        return made

    def grow(self, count: int) -> None:
        """Be at least so long."""
        if count > len(self._held):
            more = max(count, 2 * len(self._held)) - len(self._held)
            new = np.full((more, *self._held.shape[1:]), self._fill, np.int64)
            self._held = np.concatenate([self._held, new])
        self._count = max(self._count, count)


class Standings:
    """Rows of `Columns` by number; of a number that was never put there is no session."""

    def __init__(self) -> None:
        self._columns = {name: Growing() for name in (STARTED, *COUNTED, ARTIST_COUNT)}
        self._columns |= {LAST: Growing(NEVER), ARTISTS: Growing(width=(KEPT_ARTISTS,))}

    def grow(self, count: int) -> None:
        """Have at least so many rows."""
        for column in self._columns.values():
            column.grow(count)

    @property
    def columns(self) -> Columns:
        """The rows; views, until they grow."""
        return {name: column.values for name, column in self._columns.items()}

    def put(self, numbers: npt.NDArray[np.intp], rows: Columns, chosen: Any = slice(None)) -> None:
        """Write the chosen ones of other rows to these numbers."""
        for name, column in self._columns.items():
            column.values[numbers] = rows[name][chosen]


def stored_standings(rows: pa.Table) -> Columns:
    """`Columns` of rows of `live.minute_user_sessions`."""
    columns = {name: _numbers(rows[name]) for name in (LAST, STARTED, *COUNTED)}
    kept = rows["recent_artists"].combine_chunks()
    sizes = _numbers(pc.binary_length(kept)) // 8
    artists = np.zeros((rows.num_rows, KEPT_ARTISTS), np.int64)
    artists[np.arange(KEPT_ARTISTS) < sizes[:, None]] = np.frombuffer(b"".join(kept.to_pylist()), "<i8")
    return columns | {ARTIST_COUNT: sizes, ARTISTS: artists}


def _numbers(column: pa.ChunkedArray) -> Ints:
    found: Ints = np.asarray(column.cast(pa.int64()), np.int64)
    return found
