"""Sessions of listeners from their playbacks of tracks, a whole batch at a time.

A session is carried on from how it stood: rows of `live.minute_user_sessions` are the state, in arrays.
"""

from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.transforms.drift import taste_drift
from pipelines.transforms.keys import Ints
from pipelines.transforms.rules import Rules, Times
from pipelines.transforms.standings import ARTIST_COUNT, ARTISTS, COUNTED, KEPT_ARTISTS, LAST, STARTED, Columns
from playback.arrow import arrow_schema
from playback.identity import normalised
from schemas.live import MINUTE_USER_SESSIONS, RECENT_PLAYS

HEARD = pa.schema(
    [
        *(pa.field(name, pa.string()) for name in ("user_id", "event_id", "track_id")),
        *(pa.field(name, pa.int64()) for name in ("occurred_us", "artist", "counts_as_play", "is_skip")),
    ]
)
"""One playback of a track; `artist` is a number that stands for the artist's name, 0 where none is known."""

_SCHEMA = arrow_schema(MINUTE_USER_SESSIONS.fields)
NO_SESSIONS: pa.Table = _SCHEMA.empty_table()
_MILLISECOND_US = 1_000

Mask = npt.NDArray[np.bool_]


def heard(music: pa.RecordBatch) -> pa.Table:
    """HEARD of accepted playbacks of tracks, rows with the columns of CLASSIFIED_SCHEMA."""
    columns = {name: music[name] for name in ("user_id", "event_id", "track_id")}
    columns["occurred_us"] = music["occurred_at"].cast(pa.int64())
    columns["artist"] = _artists(music["artist_name"])
    columns |= {name: music[name].cast(pa.int64()) for name in ("counts_as_play", "is_skip")}
    return pa.table(columns, schema=HEARD)


@dataclass(frozen=True)
class CarriedOn:
    """How sessions stand at the end of each window with a playback.

    `rows`: those of `live.minute_user_sessions`, by listener and window; of each, `listeners`: whose it is, and
    `standings`: the same as numbers.
    """

    rows: pa.Table
    listeners: Ints
    standings: Columns

    def latest_of_each(self) -> Mask:
        """Which rows are the last one of their listener."""
        return np.append(self.listeners[1:] != self.listeners[:-1], True)


def carry_on(playbacks: pa.Table, listeners: Ints, before: Columns, rules: Rules) -> CarriedOn:
    """Carry sessions on with playbacks (HEARD, at least one) of these listeners, who are numbers.

    `before` says by the listener's number how the session stood before the first of them. The order within a listener
    is that of event time, and of ids where two ended in the same microsecond.
    """
    order = _order(playbacks, listeners)
    within = _Segments(playbacks, listeners[order], order, before, rules.session_gap_us)
    windows = rules.windows(_numbers(playbacks["occurred_us"])[order])
    last = np.flatnonzero(np.append(within.is_new_user[1:] | (windows[1:] != windows[:-1]), True))
    latest, known = within.artists(last)
    drift, has_drift = _drift(latest, known)
    standings = {
        LAST: within.moments[last],
        STARTED: within.started_us()[last],
        "playback_count": within.total("playback_count", np.ones(len(order), np.int64))[last],
        "play_count": within.total("play_count", within.plays)[last],
        "skip_count": within.total("skip_count", within.skips)[last],
        "skips_in_a_row": within.skips_in_a_row()[last],
        ARTIST_COUNT: known.sum(axis=1),
    }
    standings[ARTISTS] = _oldest_first(latest, standings[ARTIST_COUNT])
    texts = playbacks.select(["user_id", "track_id"]).take(pa.array(order[last]))
    columns = {name: pa.array(standings[name]) for name in COUNTED} | {
        "window_start": _moments(windows[last]),
        "user_id": texts["user_id"],
        "last_track_id": texts["track_id"],
        LAST: _moments(standings[LAST]),
        STARTED: _moments(standings[STARTED]),
        "taste_drift_permille": pa.array(drift, mask=~has_drift),
        "recent_artists": _as_bytes(standings[ARTISTS], standings[ARTIST_COUNT]),
    }
    return CarriedOn(pa.table(columns, schema=_SCHEMA), listeners[order][last], standings)


def _drift(latest: Ints, known: Mask) -> tuple[npt.NDArray[np.int32], Mask]:
    """`taste_drift`, and no work for rows that have none."""
    drift, has_drift = np.zeros(len(latest), np.int32), known[:, RECENT_PLAYS].copy()
    drift[has_drift], _ = taste_drift(latest[has_drift], known[has_drift])
    return drift, has_drift


def _order(playbacks: pa.Table, listeners: Ints) -> npt.NDArray[np.intp]:
    """Places by listener, time and id; texts are compared only where two ended at once, since that takes long."""
    moments = _numbers(playbacks["occurred_us"])
    order = np.lexsort((moments, listeners))
    ties = (np.diff(listeners[order]) == 0) & (np.diff(moments[order]) == 0)
    if not ties.any():
        return order
    tied = order[np.append(ties, False) | np.append(False, ties)]
    ids = np.zeros(len(order), np.int64)
    ids[tied] = _numbers(pc.rank(playbacks["event_id"].take(pa.array(tied)), tiebreaker="dense"))
    return np.lexsort((ids, moments, listeners))


class _Segments:
    """Playbacks in order, cut where another listener or another session begins; some go on from what was `before`."""

    def __init__(
        self, playbacks: pa.Table, listeners: Ints, order: npt.NDArray[np.intp], before: Columns, gap_us: int
    ) -> None:
        self.moments = _numbers(playbacks["occurred_us"])[order] // _MILLISECOND_US * _MILLISECOND_US
        self.plays, self.skips = (_numbers(playbacks[name])[order] for name in ("counts_as_play", "is_skip"))
        self._artist, self._before = _numbers(playbacks["artist"])[order], before
        self.is_new_user = np.append(True, listeners[1:] != listeners[:-1])
        is_new = self.is_new_user.copy()
        is_new[1:] |= np.diff(self.moments) >= gap_us
        self._first = np.flatnonzero(is_new)
        self._of = np.cumsum(is_new) - 1
        # the listener whose session goes on; -1: another one begins here
        whose = listeners[self._first]
        goes_on = self.is_new_user[self._first] & (self.moments[self._first] - before[LAST][whose] < gap_us)
        self._base = np.where(goes_on, whose, -1)

    def _of_before(self, name: str) -> Ints:
        """A number of each session's standing before, 0 where it has none."""
        return np.where(self._base < 0, 0, self._before[name][self._base])

    def total(self, name: str, amounts: Ints) -> Ints:
        """Sum of the amounts of the session up to each playback, on top of what the row before says."""
        sums: Ints = np.cumsum(amounts)
        before = self._of_before(name) - sums[self._first] + amounts[self._first]
        totals: Ints = sums + before[self._of]
        return totals

    def started_us(self) -> Times:
        """When the session of each playback started."""
        begins = np.where(self._base < 0, self.moments[self._first], self._of_before(STARTED))
        started: Times = begins[self._of]
        return started

    def skips_in_a_row(self) -> Ints:
        """Skips up to each playback since the last one of the session that was none."""
        places = np.arange(len(self.moments))
        last_other = np.maximum.accumulate(np.where(self.skips == 0, places, -1))
        first = self._first[self._of]
        carried = np.where(last_other < first, self._of_before("skips_in_a_row")[self._of], 0)
        row: Ints = places - np.maximum(last_other, first - 1) + carried
        return row

    def artists(self, last: npt.NDArray[np.intp]) -> tuple[Ints, Mask]:
        """Of the chosen playbacks the artists of the session's last plays up to there, latest first.

        And what of it is known.
        """
        sizes_before = self._of_before(ARTIST_COUNT)
        is_before = np.arange(KEPT_ARTISTS) < sizes_before[:, None]
        is_taste = (self.plays > 0) & (self._artist != 0)
        counted = np.cumsum(is_taste)
        own_before = (counted - is_taste)[self._first]
        own = np.diff(np.append(own_before, counted[-1]))
        begins = np.append(0, np.cumsum(sizes_before + own))[:-1]
        flat = np.zeros(int(sizes_before.sum()) + int(counted[-1]) + 1, np.int64)
        flat[_runs(begins, sizes_before)] = self._before[ARTISTS][self._base][is_before]
        flat[_runs(begins + sizes_before, own)] = self._artist[is_taste]
        segment = self._of[last]
        ends = begins[segment] + sizes_before[segment] + counted[last] - own_before[segment]
        places = ends[:, None] - 1 - np.arange(KEPT_ARTISTS)
        known = places >= begins[segment][:, None]
        return flat[np.where(known, places, -1)], known


def _runs(begins: Ints, sizes: Ints) -> Ints:
    """The places begin, begin + 1, … of each run, one run after another."""
    return np.repeat(begins - np.append(0, np.cumsum(sizes))[:-1], sizes) + np.arange(sizes.sum())


def _oldest_first(latest: Ints, sizes: Ints) -> Ints:
    """The artists that count, of which there are `sizes` in each row, the other way round."""
    places = sizes[:, None] - 1 - np.arange(KEPT_ARTISTS)
    return np.where(places >= 0, np.take_along_axis(latest, np.maximum(places, 0), axis=1), 0)


def _as_bytes(artists: Ints, sizes: Ints) -> pa.BinaryArray:
    offsets = np.append(0, np.cumsum(sizes) * 8).astype(np.int32)
    kept = artists[np.arange(KEPT_ARTISTS) < sizes[:, None]]
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(kept.astype("<i8").tobytes())]
    return pa.BinaryArray.from_buffers(pa.binary(), len(sizes), buffers)


def _artists(names: pa.StringArray) -> pa.Int64Array:
    coded = names.fill_null("").dictionary_encode()
    numbers = [_artist_number(name) for name in coded.dictionary.to_pylist()]
    return pa.array(numbers, pa.int64()).take(coded.indices)


@lru_cache(maxsize=200_000)
def _artist_number(name: str) -> int:
    """64 bits of a hash of the name as it is compared elsewhere; never 0 for a name, always for none."""
    spelled = normalised(name)
    return int.from_bytes(blake2b(spelled.encode(), digest_size=8).digest(), "little", signed=True) if spelled else 0


def _numbers(column: pa.ChunkedArray) -> Ints:
    found: Ints = column.to_numpy(zero_copy_only=False) if isinstance(column, pa.Array) else column.to_numpy()
    return found.astype(np.int64, copy=False)


def _moments(times: Times) -> pa.TimestampArray:
    return pa.array(times, pa.int64()).cast(pa.timestamp("us", "UTC"))
