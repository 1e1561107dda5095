"""gold.area_tops: the most played tracks, artists, albums and genres of each country, and of all, by period."""

from pyspark.sql import DataFrame

from jobs.columns import declared
from jobs.genres import genre_cells
from jobs.statistics import by_area, by_entity, over_listeners, over_shares, raw_and_clean, top, with_period
from schemas.area_statistics import AREA_TOP_LENGTH, AREA_TOPS

_ENTITY = ("slice", "entity_type", "entity_id")


def transform(listener_track_days: DataFrame) -> DataFrame:
    """Rank by plays; what was never played, and what has no name, has no place."""
    return _ranked(partial(listener_track_days))


def merged(partial: DataFrame) -> DataFrame:
    """The same, of the `partial` sums of all listeners."""
    return _ranked(over_shares(partial, *_ENTITY, "area"))


def partial(listener_track_days: DataFrame) -> DataFrame:
    """Sum by listener first: who listens in two countries is one listener of all together."""
    cells = by_entity(listener_track_days).groupBy(*_ENTITY, "country", "user_id").agg(*raw_and_clean())
    cells = cells.unionByName(genre_cells(listener_track_days, "slice", "country", "user_id"))
    return over_listeners(by_area(cells, *_ENTITY), *_ENTITY, "area")


def _ranked(summed: DataFrame) -> DataFrame:
    first = top(summed, ("slice", "area", "entity_type"), "entity_id", AREA_TOP_LENGTH)
    return declared(with_period(first), AREA_TOPS)
