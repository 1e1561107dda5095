"""Rolling charts from closed minute cells: long windows are added up from short ones, never held open."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.transforms.keys import distinct
from pipelines.transforms.rules import DAY_US, SECOND_US
from playback.arrow import arrow_schema
from schemas.counts import CHART_LENGTH
from schemas.live import CHART_HOURS, COUNTRY_CHARTS

_SUMS = pa.schema([("country", pa.string()), ("track_id", pa.string()), ("play_count", pa.int64())])
_SCHEMA = arrow_schema(COUNTRY_CHARTS.fields)
_KEY = list(COUNTRY_CHARTS.key)
NO_CHARTS: pa.Table = _SCHEMA.empty_table()


class RollingCharts:
    """Sums of the closed minutes of the last hour and 24 hours, kept up by adding what comes and taking off what goes.

    `recent` are rows of `live.minute_track_plays`; `charted` keys of rows that readers can see.
    """

    def __init__(self, recent: pa.Table, charted: pa.Table) -> None:
        self._minutes: dict[int, pa.Table] = {}
        self._sums = {hours: _SUMS.empty_table() for hours in CHART_HOURS}
        self._within: dict[int, set[int]] = {hours: set() for hours in CHART_HOURS}
        self._given = charted.select(_KEY)
        self._last: pa.Table = NO_CHARTS
        self._until_us = 0
        self.add(recent)

    def add(self, cells: pa.Table) -> None:
        """Take the cells of minutes that have closed; a minute comes whole and once."""
        starts = cells["window_start"].cast(pa.int64()).to_numpy()
        played = cells.select(_SUMS.names).cast(_SUMS)
        for start in distinct(starts).tolist():
            self._minutes[start] = played.filter(pa.array(starts == start))

    def changes(self, until_us: int) -> tuple[pa.Table, pa.Table]:
        """Rows of `live.country_charts` that have changed, and keys of those that are no more.

        `until_us`: all minutes before it are closed. While it stays the same nothing changes. Each day all rows are
        given out again: those that have not changed for long would be older than the stores keep them.
        """
        if until_us == self._until_us:
            return NO_CHARTS, self._given.slice(0, 0)
        if until_us // DAY_US != self._until_us // DAY_US:
            self._last = NO_CHARTS
        self._until_us = until_us
        now = pa.concat_tables([self._chart(hours, until_us) for hours in CHART_HOURS])
        oldest_us = until_us - max(CHART_HOURS) * 3600 * SECOND_US
        self._minutes = {start: cells for start, cells in self._minutes.items() if start >= oldest_us}
        shown = [*_KEY, "track_id", "play_count"]
        changed = now.join(self._last.select(shown), keys=shown, join_type="left anti").select(_SCHEMA.names)
        gone = self._given.join(now.select(_KEY), keys=_KEY, join_type="left anti")
        self._last, self._given = now, now.select(_KEY)
        return changed.cast(_SCHEMA), gone

    def _chart(self, hours: int, until_us: int) -> pa.Table:
        from_us = until_us - hours * 3600 * SECOND_US
        wanted = {start for start in self._minutes if from_us <= start < until_us}
        within = self._within[hours]
        more = [self._minutes[start] for start in wanted - within]
        less = [_negative(self._minutes[start]) for start in within - wanted]
        self._within[hours] = wanted
        self._sums[hours] = _added([self._sums[hours], *more, *less])
        return _ranked(self._sums[hours], hours, until_us)


def _negative(cells: pa.Table) -> pa.Table:
    return cells.set_column(2, "play_count", pc.negate(cells["play_count"]))


def _added(parts: list[pa.Table]) -> pa.Table:
    sums = pa.concat_tables(parts).group_by(["country", "track_id"]).aggregate([("play_count", "sum")])
    sums = sums.rename_columns(_SUMS.names).cast(_SUMS)
    return sums.filter(pc.greater(sums["play_count"], 0))


def _ranked(sums: pa.Table, hours: int, until_us: int) -> pa.Table:
    order = [("country", "ascending"), ("play_count", "descending"), ("track_id", "ascending")]
    rows = sums.sort_by(order)
    countries = rows["country"]
    begins = np.ones(rows.num_rows, np.bool_)
    begins[1:] = pc.not_equal(countries[1:], countries[:-1]).to_numpy()
    first = np.flatnonzero(begins)
    position = np.arange(rows.num_rows) - first[np.cumsum(begins) - 1] + 1
    columns = {
        "country": rows["country"],
        "window_hours": pa.repeat(pa.scalar(hours, pa.int32()), rows.num_rows),
        "position": pa.array(position, pa.int32()),
        "chart_until": pa.repeat(pa.scalar(until_us, pa.int64()), rows.num_rows).cast(pa.timestamp("us", "UTC")),
        "track_id": rows["track_id"],
        "play_count": rows["play_count"],
    }
    return pa.table(columns, schema=_SCHEMA).filter(pa.array(position <= CHART_LENGTH))
