"""gold.daily_tops: the most played tracks of each day in each country, and in all together."""

from pyspark.sql import DataFrame

from jobs.columns import declared
from jobs.statistics import by_area, over_listeners, over_shares, raw_and_clean, top
from schemas.area_statistics import DAILY_TOPS
from schemas.counts import CHART_LENGTH

_TRACK = ("slice", "event_date", "track_id")


def transform(listener_track_days: DataFrame) -> DataFrame:
    """Rank by plays of the day; a track without a play has no place."""
    return _ranked(partial(listener_track_days))


def merged(partial: DataFrame) -> DataFrame:
    """The same, of the `partial` sums of all listeners."""
    return _ranked(over_shares(partial, *_TRACK, "area"))


def partial(listener_track_days: DataFrame) -> DataFrame:
    """Sum by listener first, as in `gold.area_tops`."""
    listeners = listener_track_days.groupBy(*_TRACK, "country", "user_id").agg(*raw_and_clean())
    return over_listeners(by_area(listeners, *_TRACK), *_TRACK, "area")


def _ranked(summed: DataFrame) -> DataFrame:
    return declared(top(summed, ("event_date", "area"), "track_id", CHART_LENGTH), DAILY_TOPS)
