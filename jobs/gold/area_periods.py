"""gold.area_periods: what was heard in each country, and in all together, in a period."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.columns import count_where, declared
from jobs.genres import genre_plays
from jobs.statistics import by_area, over_listeners, raw_and_clean, unflagged, with_period
from schemas.area_statistics import AREA_PERIODS, EVERYWHERE
from schemas.statistics import RAW_AND_CLEAN

_SUMS = (*(one.name for one in RAW_AND_CLEAN), "listener_count", "clean_listener_count")
_OF_TRACK = ("genre_play_count", "clean_genre_play_count", "clean_track_playback_count")
_TRACK = ("slice", "area", "track_id")


def transform(listener_track_days: DataFrame) -> DataFrame:
    """Sum by listener first, as in `gold.area_tops`; tracks are counted apart."""
    return _counted(partial(listener_track_days))


def merged(partial: DataFrame) -> DataFrame:
    """The same, of the `partial` sums of all listeners."""
    return _counted(partial.groupBy(*_TRACK).agg(*_summed(*_SUMS, *_OF_TRACK)))


def partial(listener_track_days: DataFrame) -> DataFrame:
    """One row for each area with what was heard, without a track; and one for each of its tracks, with its genres.

    Whether a track has a clean playback is known of all shares together only: so their number is told, which adds up.
    """
    listeners = listener_track_days.groupBy("slice", "country", "user_id").agg(*raw_and_clean())
    heard = over_listeners(by_area(listeners, "slice"), "slice", "area")
    clean = F.sum(unflagged("playback_count")).alias("clean_track_playback_count")
    here = listener_track_days.groupBy("slice", F.col("country").alias("area"), "track_id").agg(*genre_plays(), clean)
    anywhere = here.groupBy("slice", "track_id").agg(*_summed(*_OF_TRACK)).withColumn("area", F.lit(EVERYWHERE))
    tracks = here.unionByName(anywhere)
    nothing = F.lit(None).cast("bigint")
    untold = {"track_id": F.lit(None).cast("string"), **dict.fromkeys(_OF_TRACK, nothing)}
    return heard.withColumns(untold).unionByName(tracks.withColumns(dict.fromkeys(_SUMS, nothing)))


def _counted(partial: DataFrame) -> DataFrame:
    """What is known of each area together; nothing is null of all of its rows."""
    tracks = F.count("track_id").alias("track_count")
    clean = count_where(F.col("clean_track_playback_count") > 0).alias("clean_track_count")
    counted = partial.groupBy("slice", "area").agg(tracks, clean, *_summed(*_SUMS, *_OF_TRACK))
    return declared(with_period(counted), AREA_PERIODS)


def _summed(*names: str) -> list[Column]:
    return [F.sum(name).alias(name) for name in names]
