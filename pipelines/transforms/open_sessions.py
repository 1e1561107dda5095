"""Sessions that may still go on or change: what is held of them in memory between changes and closings."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.transforms.keys import Ints, distinct
from pipelines.transforms.rules import Rules
from pipelines.transforms.sessions import HEARD, NO_SESSIONS, heard, session_rows

_KEY_BYTES = 8
_TOUCHED = pa.schema([("user_id", pa.string()), ("window_us", pa.int64())])


class ByListener:
    """Rows of listeners, found by `user_id` without a look at the others: chunks sorted by its first bytes.

    A chunk that is not much larger than the one after it is merged with it, so that there are few.
    """

    def __init__(self, rows: pa.Table) -> None:
        self._empty = rows.slice(0, 0)
        self._chunks: list[tuple[Ints, pa.Table]] = []
        self.add(rows)

    def add(self, rows: pa.Table) -> None:
        """Take more rows."""
        while self._chunks and self._chunks[-1][1].num_rows <= 2 * rows.num_rows:
            rows = pa.concat_tables([self._chunks.pop()[1], rows])
        if rows.num_rows:
            keys = _keys(rows["user_id"])
            order = np.argsort(keys, kind="stable")
            self._chunks.append((keys[order], rows.take(pa.array(order)).combine_chunks()))

    def of(self, users: pa.Array) -> pa.Table:
        """The rows of these distinct listeners."""
        wanted = distinct(_keys(users))
        found = [self._empty]
        for keys, rows in self._chunks:
            begins, ends = np.searchsorted(keys, wanted, "left"), np.searchsorted(keys, wanted, "right")
            sizes = ends - begins
            places = np.repeat(begins - np.append(0, np.cumsum(sizes))[:-1], sizes) + np.arange(sizes.sum())
            found.append(rows.take(pa.array(places)))
        rows = pa.concat_tables(found)
        return rows.filter(pc.is_in(rows["user_id"], users))

    def all(self) -> pa.Table:
        """All rows."""
        return pa.concat_tables([self._empty, *(rows for _, rows in self._chunks)])


class OpenSessions:
    """Playbacks of the windows that may still change, from `since_us` on, and how sessions stood before them.

    `before`: of each listener the latest row of `live.minute_user_sessions` of the windows before `since_us`. Of a
    session that is longer than what is read again after a kill, this row is all that is known, and enough.
    """

    def __init__(self, since_us: int, before: pa.Table, rules: Rules) -> None:
        self._since_us = since_us
        self._rules = rules
        self._closed = ByListener(before)
        self._open = ByListener(HEARD.empty_table())
        self._fresh: list[pa.Table] = []

    def add(self, events: pa.RecordBatch) -> None:
        """Take accepted events; what belongs to a closed window is in `before` already."""
        playbacks = heard(events)
        playbacks = playbacks.filter(pc.greater_equal(playbacks["occurred_us"], self._since_us))
        if playbacks.num_rows:
            self._open.add(playbacks)
            windows = self._rules.windows(playbacks["occurred_us"].to_numpy())
            self._fresh.append(pa.table([playbacks["user_id"], pa.array(windows)], schema=_TOUCHED))

    def changes(self, before_us: int | None = None) -> pa.Table:
        """Changed rows of `live.minute_user_sessions`, of windows that start before a time or (None) of all.

        A playback changes the rows of its listener from its own window on.
        """
        fresh = pa.concat_tables([_TOUCHED.empty_table(), *self._fresh])
        self._fresh = []
        if before_us is not None:
            later = pc.greater_equal(fresh["window_us"], before_us)
            self._fresh = [fresh.filter(later)]
            fresh = fresh.filter(pc.invert(later))
        if not fresh.num_rows:
            return NO_SESSIONS
        touched = fresh.group_by("user_id").aggregate([("window_us", "min")]).combine_chunks()
        users = touched["user_id"].combine_chunks()
        playbacks = self._open.of(users)
        if before_us is not None:
            playbacks = playbacks.filter(pc.less(playbacks["occurred_us"], before_us))
        rows = session_rows(playbacks, self._closed.of(users), self._rules)
        from_us = touched["window_us_min"].take(pc.index_in(rows["user_id"], users))
        return rows.filter(pc.greater_equal(rows["window_start"].cast(pa.int64()), from_us))

    def close(self, before_us: int) -> None:
        """Forget the playbacks of windows that start before a time: they are over, and written.

        Of each listener the last row stays while its session can go on.
        """
        if before_us <= self._since_us:
            return
        self._since_us = before_us
        playbacks = self._open.all()
        is_over = pc.less(playbacks["occurred_us"], before_us)
        over = playbacks.filter(is_over)
        self._open = ByListener(playbacks.filter(pc.invert(is_over)))
        known = self._closed.all()
        rows = latest_of_each(session_rows(over, known, self._rules))
        known = known.filter(pc.invert(pc.is_in(known["user_id"], rows["user_id"])))
        stands = pa.concat_tables([known, rows])
        goes_on = pc.greater(stands["last_occurred_at"].cast(pa.int64()), before_us - self._rules.session_gap_us)
        self._closed = ByListener(stands.filter(goes_on))


def latest_of_each(rows: pa.Table) -> pa.Table:
    """Of rows sorted by listener and window the last one of each listener."""
    if rows.num_rows < 2:
        return rows
    users = rows["user_id"]
    is_last = np.append(pc.not_equal(users[1:], users[:-1]).to_numpy(), True)
    return rows.filter(pa.array(is_last))


def _keys(users: pa.ChunkedArray) -> Ints:
    """The first bytes of each `user_id`, which has more of them, as a number."""
    column = users.combine_chunks() if isinstance(users, pa.ChunkedArray) else users
    if not len(column):
        return np.zeros(0, np.int64)
    _, offsets, data = column.buffers()
    begins = np.frombuffer(offsets, np.int32)[column.offset : column.offset + len(column)].astype(np.int64)
    places = begins[:, None] + np.arange(_KEY_BYTES)
    return np.ascontiguousarray(np.frombuffer(data, np.uint8).take(places, mode="clip")).view(np.int64)[:, 0]
