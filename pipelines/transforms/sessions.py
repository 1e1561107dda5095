"""Sessions of listeners from their playbacks of tracks, a whole batch at a time.

A session is carried on from the row that says how it stood: rows of `live.minute_user_sessions` are the state.
"""

from functools import lru_cache
from hashlib import blake2b

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.transforms.drift import taste_drift
from pipelines.transforms.rules import Rules, Times
from playback.arrow import arrow_schema
from playback.identity import normalised
from schemas.live import EARLIER_PLAYS, MINUTE_USER_SESSIONS, RECENT_PLAYS

HEARD = pa.schema(
    [
        *(pa.field(name, pa.string()) for name in ("user_id", "event_id", "track_id")),
        *(pa.field(name, pa.int64()) for name in ("occurred_us", "artist", "counts_as_play", "is_skip")),
    ]
)
"""One playback of a track; `artist` is a number that stands for the artist's name, 0 where none is known."""

_SCHEMA = arrow_schema(MINUTE_USER_SESSIONS.fields)
NO_SESSIONS: pa.Table = _SCHEMA.empty_table()
_KEPT_ARTISTS = RECENT_PLAYS + EARLIER_PLAYS
_MILLISECOND_US = 1_000

Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


def heard(events: pa.RecordBatch) -> pa.Table:
    """HEARD of the playbacks of tracks among accepted rows with the columns of CLASSIFIED_SCHEMA."""
    music = events.filter(pc.equal(events["content_type"], "track"))
    columns = {name: music[name] for name in ("user_id", "event_id", "track_id")}
    columns["occurred_us"] = music["occurred_at"].cast(pa.int64())
    columns["artist"] = _artists(music["artist_name"])
    columns |= {name: music[name].cast(pa.int64()) for name in ("counts_as_play", "is_skip")}
    return pa.table(columns, schema=HEARD)


def session_rows(playbacks: pa.Table, before: pa.Table, rules: Rules) -> pa.Table:
    """Rows of `live.minute_user_sessions`, one for each listener and window with one of the playbacks (HEARD).

    `before` has at most one row a listener: how its session stood before the first of these. The order within a
    listener is that of event time, and of ids where two ended in the same microsecond.
    """
    if not playbacks.num_rows:
        return NO_SESSIONS
    rows = playbacks.take(pa.array(_order(playbacks))).combine_chunks()
    within = _Segments(rows, before.combine_chunks(), rules.session_gap_us)
    windows = rules.windows(_numbers(rows["occurred_us"]))
    last = np.flatnonzero(np.append(within.is_new_user[1:] | (windows[1:] != windows[:-1]), True))
    latest, known, kept = within.artists(last)
    drift, has_drift = taste_drift(latest, known)
    columns = {
        "window_start": _moments(windows[last]),
        "user_id": rows["user_id"].take(pa.array(last)),
        "last_track_id": rows["track_id"].take(pa.array(last)),
        "last_occurred_at": _moments(within.moments[last]),
        "session_started_at": _moments(within.started_us()[last]),
        "playback_count": within.total("playback_count", np.ones(rows.num_rows, np.int64))[last],
        "play_count": within.total("play_count", within.plays)[last],
        "skip_count": within.total("skip_count", within.skips)[last],
        "skips_in_a_row": within.skips_in_a_row()[last],
        "taste_drift_permille": pa.array(drift, mask=~has_drift),
        "recent_artists": kept,
    }
    return pa.table(columns, schema=_SCHEMA)


def _order(playbacks: pa.Table) -> npt.NDArray[np.intp]:
    """Places by listener, time and id; texts are compared only where two ended at once, since that takes long."""
    listeners = _numbers(playbacks["user_id"].combine_chunks().dictionary_encode().indices)
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
    """Playbacks in order, cut where another listener or another session begins; some go on from a row `before`."""

    def __init__(self, rows: pa.Table, before: pa.Table, gap_us: int) -> None:
        self.moments = _numbers(rows["occurred_us"]) // _MILLISECOND_US * _MILLISECOND_US
        self.plays, self.skips = _numbers(rows["counts_as_play"]), _numbers(rows["is_skip"])
        self._artist, self._before = _numbers(rows["artist"]), before
        users = rows["user_id"]
        self.is_new_user = np.ones(rows.num_rows, np.bool_)
        self.is_new_user[1:] = pc.not_equal(users[1:], users[:-1]).to_numpy()
        is_new = self.is_new_user.copy()
        is_new[1:] |= np.diff(self.moments) >= gap_us
        self._first = np.flatnonzero(is_new)
        self._of = np.cumsum(is_new) - 1
        # the row that a session goes on from; -1: it begins here, and the zero behind each column of `before` counts
        found = pc.index_in(users.take(pa.array(self._first)), before["user_id"]).fill_null(-1)
        self._base = np.where(self.is_new_user[self._first], _numbers(found), -1)
        silence = self.moments[self._first] - self._of_before("last_occurred_at")
        self._base[silence >= gap_us] = -1

    def _of_before(self, name: str) -> Ints:
        """A number of each session's row before, 0 where it has none."""
        return np.append(_numbers(self._before[name].cast(pa.int64())), 0)[self._base]

    def total(self, name: str, amounts: Ints) -> Ints:
        """Sum of the amounts of the session up to each playback, on top of what the row before says."""
        sums: Ints = np.cumsum(amounts)
        before = self._of_before(name) - sums[self._first] + amounts[self._first]
        totals: Ints = sums + before[self._of]
        return totals

    def started_us(self) -> Times:
        """When the session of each playback started."""
        begins = np.where(self._base < 0, self.moments[self._first], self._of_before("session_started_at"))
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

    def artists(self, last: npt.NDArray[np.intp]) -> tuple[Ints, Mask, pa.BinaryArray]:
        """Of the chosen playbacks the artists of the session's last plays up to there.

        Latest first with what of it is known, and as the bytes that a row keeps.
        """
        known_before, sizes_before = self._artists_before()
        is_taste = (self.plays > 0) & (self._artist != 0)
        counted = np.cumsum(is_taste)
        own_before = (counted - is_taste)[self._first]
        own = np.diff(np.append(own_before, counted[-1]))
        begins = np.append(0, np.cumsum(sizes_before + own))[:-1]
        flat = np.zeros(len(known_before) + int(counted[-1]) + 1, np.int64)
        flat[_runs(begins, sizes_before)] = known_before
        flat[_runs(begins + sizes_before, own)] = self._artist[is_taste]
        segment = self._of[last]
        ends = begins[segment] + sizes_before[segment] + counted[last] - own_before[segment]
        places = ends[:, None] - 1 - np.arange(_KEPT_ARTISTS)
        known = places >= begins[segment][:, None]
        sizes = known.sum(axis=1)
        kept = flat[_runs(ends - sizes, sizes)]
        return flat[np.where(known, places, -1)], known, _as_bytes(kept, sizes)

    def _artists_before(self) -> tuple[Ints, Ints]:
        """Artists of the rows before, one session after another, and how many each session has of them."""
        column = self._before["recent_artists"].combine_chunks()
        counts = np.append(pc.binary_length(column).to_numpy(zero_copy_only=False).astype(np.int64) // 8, 0)
        begins = np.append(0, np.cumsum(counts))[:-1]
        numbers = np.frombuffer(b"".join(column.to_pylist()), np.int64)
        sizes = counts[self._base]
        return numbers[_runs(begins[self._base], sizes)], sizes


def _runs(begins: Ints, sizes: Ints) -> Ints:
    """The places begin, begin + 1, … of each run, one run after another."""
    return np.repeat(begins - np.append(0, np.cumsum(sizes))[:-1], sizes) + np.arange(sizes.sum())


def _as_bytes(numbers: Ints, sizes: Ints) -> pa.BinaryArray:
    offsets = np.append(0, np.cumsum(sizes) * 8).astype(np.int32)
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(numbers.astype("<i8").tobytes())]
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
