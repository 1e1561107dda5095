"""gold.listener_periods: what each listener heard in a period, all together."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.columns import count_where, declared
from jobs.genres import by_genre, genre_plays
from jobs.statistics import by_entity, raw_and_clean, with_period
from schemas.statistics import ENTITY_TYPES, LISTENER_PERIODS

_LISTENER = ("slice", "user_id")
_DIFFERS = (*_LISTENER, "entity_type", "entity_id")


def transform(listener_track_days: DataFrame) -> DataFrame:
    """Sum up, and count what differs: as rows, of which each is one that is not there twice."""
    sums = listener_track_days.groupBy(*_LISTENER).agg(*raw_and_clean(), genre_plays())
    day = {"entity_type": F.lit("day"), "entity_id": F.col("event_date").cast("string")}
    different = (
        by_entity(listener_track_days).select(*_DIFFERS).distinct(),
        listener_track_days.select(*_LISTENER, "event_date").distinct().withColumns(day).select(*_DIFFERS),
        by_genre(listener_track_days.select(*_LISTENER, "genres").distinct()).select(*_DIFFERS).distinct(),
    )
    counts = [count_where(F.col("entity_type") == one).alias(f"{one}_count") for one in (*ENTITY_TYPES, "day")]
    counted = different[0].unionByName(different[1]).unionByName(different[2]).groupBy(*_LISTENER).agg(*counts)
    return declared(with_period(sums.join(counted, on=list(_LISTENER), how="inner")), LISTENER_PERIODS)
