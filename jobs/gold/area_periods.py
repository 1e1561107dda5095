"""gold.area_periods: what was heard in each country, and in all together, in a period."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.columns import declared
from jobs.genres import genre_plays
from jobs.statistics import by_area, over_listeners, raw_and_clean, with_period
from schemas.area_statistics import AREA_PERIODS, EVERYWHERE
from schemas.statistics import RAW_AND_CLEAN

_SUMS = (*(one.name for one in RAW_AND_CLEAN), "listener_count", "clean_listener_count")
_TRACK = ("slice", "area", "track_id")


def transform(listener_track_days: DataFrame) -> DataFrame:
    """Sum by listener first, as in `gold.area_tops`; tracks are counted apart."""
    return _counted(partial(listener_track_days))


def merged(partial: DataFrame) -> DataFrame:
    """The same, of the `partial` sums of all listeners."""
    plays = F.sum("genre_play_count").alias("genre_play_count")
    sums = [F.sum(name).alias(name) for name in _SUMS]
    return _counted(partial.groupBy(*_TRACK).agg(*sums, plays))


def partial(listener_track_days: DataFrame) -> DataFrame:
    """One row for each area with what was heard, without a track; and one for each of its tracks, with its genres."""
    listeners = listener_track_days.groupBy("slice", "country", "user_id").agg(*raw_and_clean())
    heard = over_listeners(by_area(listeners, "slice"), "slice", "area")
    here = listener_track_days.groupBy("slice", F.col("country").alias("area"), "track_id").agg(genre_plays())
    plays = F.sum("genre_play_count").alias("genre_play_count")
    anywhere = here.groupBy("slice", "track_id").agg(plays).withColumn("area", F.lit(EVERYWHERE))
    tracks = here.unionByName(anywhere)
    nothing = F.lit(None).cast("bigint")
    untold = {"track_id": F.lit(None).cast("string"), "genre_play_count": nothing}
    return heard.withColumns(untold).unionByName(tracks.withColumns(dict.fromkeys(_SUMS, nothing)))


def _counted(partial: DataFrame) -> DataFrame:
    """What is known of each area together; nothing is null of all of its rows."""
    sums = [F.sum(name).alias(name) for name in (*_SUMS, "genre_play_count")]
    counted = partial.groupBy("slice", "area").agg(F.count("track_id").alias("track_count"), *sums)
    return declared(with_period(counted), AREA_PERIODS)
