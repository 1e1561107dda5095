"""gold.listening_hours: when each listener listens, by weekday and hour on their own clock."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.columns import declared
from jobs.statistics import raw_and_clean, with_period
from schemas.statistics import LISTENING_HOURS


def transform(listener_track_days: DataFrame) -> DataFrame:
    """Playbacks whose time zone is unknown are a group of their own."""
    # dayofweek says 1 for Sunday on both engines.
    monday_first = F.pmod(F.dayofweek("local_date") + 5, F.lit(7)) + 1
    weekday = F.when(F.col("local_hour") < 0, 0).otherwise(monday_first).cast("int")
    placed = listener_track_days.withColumns({"weekday": weekday, "hour": F.col("local_hour")})
    counted = placed.groupBy("slice", "user_id", "weekday", "hour").agg(*raw_and_clean())
    return declared(with_period(counted), LISTENING_HOURS)
