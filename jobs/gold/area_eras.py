"""gold.area_eras: what was heard in each country, and in all together, in a period, by year of release."""

from pyspark.sql import DataFrame

from jobs.columns import declared
from jobs.statistics import by_area, over_listeners, over_shares, raw_and_clean, with_period
from schemas.eras import AREA_ERAS

_ERA = ("slice", "release_year")


def transform(listener_track_days: DataFrame) -> DataFrame:
    """Playbacks whose year of release is unknown are a group of their own."""
    return declared(with_period(partial(listener_track_days)), AREA_ERAS)


def merged(partial: DataFrame) -> DataFrame:
    """The same, of the `partial` sums of all listeners."""
    return declared(with_period(over_shares(partial, *_ERA, "area")), AREA_ERAS)


def partial(listener_track_days: DataFrame) -> DataFrame:
    """Sum by listener first, as in `gold.area_tops`."""
    days = listener_track_days.fillna(0, ["release_year"])
    listeners = days.groupBy(*_ERA, "country", "user_id").agg(*raw_and_clean())
    return over_listeners(by_area(listeners, *_ERA), *_ERA, "area")
