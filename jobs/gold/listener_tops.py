"""gold.listener_tops: the most played tracks, artists, albums and genres of each listener by period."""

from pyspark.sql import DataFrame

from jobs.columns import declared
from jobs.genres import genre_cells
from jobs.statistics import by_entity, raw_and_clean, top, with_period
from schemas.statistics import LISTENER_TOP_LENGTH, LISTENER_TOPS

_OF_LISTENER = ("slice", "user_id", "entity_type")


def transform(listener_track_days: DataFrame) -> DataFrame:
    """Rank by plays; what was never played, and what has no name, has no place."""
    cells = by_entity(listener_track_days).groupBy(*_OF_LISTENER, "entity_id").agg(*raw_and_clean())
    cells = cells.unionByName(genre_cells(listener_track_days, "slice", "user_id"))
    return declared(with_period(top(cells, _OF_LISTENER, "entity_id", LISTENER_TOP_LENGTH)), LISTENER_TOPS)
