"""gold.listener_discoveries: when each listener first played each track, artist, album and genre."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.columns import declared
from jobs.genres import by_genre
from jobs.statistics import by_entity
from schemas.statistics import LISTENER_DISCOVERIES

_ENTITY = ("slice", "user_id", "entity_type", "entity_id")


def transform(listener_track_days: DataFrame) -> DataFrame:
    """The first date with a play, and the first one on which the listener is not flagged."""
    played = listener_track_days.where(F.col("play_count") > 0)
    clean_date = F.when(~F.col("is_flagged"), F.col("event_date"))
    first = by_entity(played).groupBy(*_ENTITY).agg(*_first("event_date", clean_date))
    together = played.groupBy("slice", "user_id", "genres").agg(*_first("event_date", clean_date))
    genres = by_genre(together).groupBy(*_ENTITY).agg(*_first("first_date", F.col("clean_first_date")))
    return declared(first.unionByName(genres), LISTENER_DISCOVERIES)


def _first(date: str, clean_date: Column) -> list[Column]:
    return [F.min(date).alias("first_date"), F.min(clean_date).alias("clean_first_date")]
