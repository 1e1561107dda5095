"""Sessions that may still go on or change: what is held of them in memory between changes and closings."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.transforms.keys import Ints, distinct
from pipelines.transforms.numbering import Names
from pipelines.transforms.open_playbacks import OpenPlaybacks
from pipelines.transforms.rules import Rules
from pipelines.transforms.sessions import HEARD, NO_SESSIONS, CarriedOn, carry_on
from pipelines.transforms.standings import LAST, Standings, stored_standings

_FEW = 1_000
"""Listeners that are not forgotten, however long ago they played."""
_MILLISECOND_US = 1_000


class OpenSessions:
    """Playbacks of the windows that may still change, from `since_us` on, and how sessions stand.

    A playback that is later than all that is known of its listener carries the session on from where it stands now.
    For any other one the listener's open windows are told again, from how the session stood before them.

    `before`: of each listener the latest row of `live.minute_user_sessions` of the windows before `since_us`. Of a
    session that is longer than what is read again after a kill, this row is all that is known, and enough.
    """

    def __init__(self, since_us: int, before: pa.Table, rules: Rules) -> None:
        self._since_us = since_us
        self._rules = rules
        self._names = Names()
        self._closed, self._now = Standings(), Standings()
        self._open = OpenPlaybacks(HEARD.empty_table())
        self._fresh: list[tuple[Ints, pa.Table]] = []
        numbers = self._numbers(before["user_id"])
        for standings in (self._closed, self._now):
            standings.put(numbers, stored_standings(before))

    def add(self, playbacks: pa.Table) -> None:
        """Take accepted playbacks (HEARD); what belongs to a closed window is in `before` already."""
        playbacks = playbacks.filter(pc.greater_equal(playbacks["occurred_us"], self._since_us))
        if playbacks.num_rows:
            listeners = self._numbers(playbacks["user_id"])
            self._open.add(listeners, playbacks)
            self._fresh.append((listeners, playbacks))

    def changes(self, before_us: int | None = None) -> pa.Table:
        """Changed rows of `live.minute_user_sessions`, of windows that start before a time or (None) of all.

        A playback changes the rows of its listener from its own window on.
        """
        listeners, fresh = self._take_fresh(before_us)
        if not fresh.num_rows:
            return NO_SESSIONS
        moments = _occurred(fresh)
        is_behind = moments // _MILLISECOND_US * _MILLISECOND_US <= self._now.columns[LAST][listeners]
        again = np.zeros(self._names.count, np.bool_)
        again[listeners[is_behind]] = True
        is_again = again[listeners]
        rows = [NO_SESSIONS]
        if not is_again.all():
            later = fresh.filter(pa.array(~is_again)) if is_again.any() else fresh
            rows.append(self._carry_on(later, listeners[~is_again], self._now).rows)
        if is_again.any():
            from_us = np.full(self._names.count, np.iinfo(np.int64).max)
            np.minimum.at(from_us, listeners[is_again], self._rules.windows(moments[is_again]))
            rows.append(self._told_again(distinct(listeners[is_again]), from_us, before_us))
        return pa.concat_tables(rows)

    def _take_fresh(self, before_us: int | None) -> tuple[Ints, pa.Table]:
        """What came since the changes before, of windows that start before a time; the rest stays."""
        listeners = np.concatenate([np.zeros(0, np.int64), *(one for one, _ in self._fresh)])
        fresh = pa.concat_tables([HEARD.empty_table(), *(rows for _, rows in self._fresh)])
        self._fresh = []
        if before_us is None:
            return listeners, fresh.combine_chunks()
        is_later = self._rules.windows(_occurred(fresh)) >= before_us
        if is_later.any():
            self._fresh = [(listeners[is_later], fresh.filter(pa.array(is_later)))]
            listeners, fresh = listeners[~is_later], fresh.filter(pa.array(~is_later))
        return listeners, fresh.combine_chunks()

    def _told_again(self, listeners: Ints, from_us: Ints, before_us: int | None) -> pa.Table:
        """Rows of all open windows of these listeners from a time of each on.

        Where playbacks of later windows are fresh still they are carried on with, and told again in their turn.
        """
        told = self._carry_on(*self._open_of(listeners), self._closed)
        windows = told.rows["window_start"].cast(pa.int64()).to_numpy()
        wanted = windows >= from_us[told.listeners]
        if before_us is not None:
            wanted &= windows < before_us
        return told.rows.filter(pa.array(wanted))

    def _open_of(self, listeners: Ints, before_us: int | None = None) -> tuple[pa.Table, Ints]:
        """The playbacks of open windows of these listeners, or of those that start before a time."""
        whose, playbacks = self._open.of(listeners)
        moments = _occurred(playbacks)
        wanted = moments >= self._since_us
        if before_us is not None:
            wanted &= moments < before_us
        return playbacks.filter(pa.array(wanted)).combine_chunks(), whose[wanted]

    def _carry_on(self, playbacks: pa.Table, listeners: Ints, standings: Standings) -> CarriedOn:
        """Carry on from where sessions stood; that is where they stand now."""
        carried = carry_on(playbacks, listeners, standings.columns, self._rules)
        latest = carried.latest_of_each()
        self._now.put(carried.listeners[latest], carried.standings, latest)
        return carried

    def close(self, before_us: int) -> None:
        """Forget the playbacks of windows that start before a time: they are over, and their changes given out."""
        if before_us <= self._since_us:
            return
        now = self._now.columns
        moved = np.flatnonzero(now[LAST] >= self._since_us)
        is_over = now[LAST][moved] < before_us
        self._closed.put(moved[is_over], now, moved[is_over])
        playbacks, listeners = self._open_of(moved[~is_over], before_us)
        if len(listeners):
            carried = carry_on(playbacks, listeners, self._closed.columns, self._rules)
            latest = carried.latest_of_each()
            self._closed.put(carried.listeners[latest], carried.standings, latest)
        self._since_us = before_us
        self._open.forget(before_us)
        self._forget_silent()

    def _forget_silent(self) -> None:
        """Forget the listeners whose session cannot go on, when they are the most."""
        stays = self._now.columns[LAST] > self._since_us - self._rules.session_gap_us
        has_any = self._open.has_any()
        stays[: len(has_any)] |= has_any
        kept = np.flatnonzero(stays)
        if 2 * len(kept) > len(stays) - _FEW:
            return
        users, before = self._names.texts(kept), (self._closed, self._now)
        self._names = Names()
        self._closed, self._now = Standings(), Standings()
        numbers = self._numbers(users)
        for standings, old in zip((self._closed, self._now), before, strict=True):
            standings.put(numbers, old.columns, kept)
        self._open.renumber(kept, numbers)
        renumbered = np.full(len(stays), -1, np.int64)
        renumbered[kept] = numbers
        self._fresh = [(renumbered[listeners], rows) for listeners, rows in self._fresh]

    def _numbers(self, users: pa.ChunkedArray | pa.Array) -> Ints:
        """Numbers of listeners, of each of whom there is a standing then."""
        column = users.combine_chunks() if isinstance(users, pa.ChunkedArray) else users
        numbers = self._names.numbers(column)
        for standings in (self._closed, self._now):
            standings.grow(self._names.count)
        return numbers


def _occurred(playbacks: pa.Table) -> Ints:
    found: Ints = playbacks["occurred_us"].to_numpy()
    return found
