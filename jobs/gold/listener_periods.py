"""gold.listener_periods: what each listener heard in a period, all together."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.columns import count_where, declared
from jobs.genres import by_genre, genre_plays
from jobs.statistics import by_entity, raw_and_clean, with_period
from schemas.statistics import ENTITY_TYPES, LISTENER_PERIODS

_LISTENER = ("slice", "user_id")
_DIFFERS = (*_LISTENER, "entity_type", "entity_id")


def transform(listener_track_days: DataFrame) -> DataFrame:
    """Sum up, and count what differs: as rows, of which each is one that is not there twice."""
    sums = listener_track_days.groupBy(*_LISTENER).agg(*raw_and_clean(), *genre_plays())
    day = {"entity_type": F.lit("day"), "entity_id": F.col("event_date").cast("string")}
    different = (
        _once(by_entity(listener_track_days), *_DIFFERS),
        _once(listener_track_days, *_LISTENER, "event_date").withColumns(day).drop("event_date"),
        _once(by_genre(_once(listener_track_days, *_LISTENER, "genres")), *_DIFFERS),
    )
    counts = [count for one in (*ENTITY_TYPES, "day") for count in _counts(one)]
    counted = different[0].unionByName(different[1]).unionByName(different[2]).groupBy(*_LISTENER).agg(*counts)
    return declared(with_period(sums.join(counted, on=list(_LISTENER), how="inner")), LISTENER_PERIODS)


def _once(rows: DataFrame, *keys: str) -> DataFrame:
    """Each of `keys` once, flagged where all of its rows are."""
    return rows.groupBy(*keys).agg(F.bool_and("is_flagged").alias("is_flagged"))


def _counts(entity_type: str) -> tuple[Column, Column]:
    """How many there are of a type, and how many of them on a day that is not flagged."""
    is_one, name = F.col("entity_type") == entity_type, f"{entity_type}_count"
    return count_where(is_one).alias(name), count_where(is_one & ~F.col("is_flagged")).alias(f"clean_{name}")
