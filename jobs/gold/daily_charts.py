"""gold.daily_charts: the charts of each day, with the way of each track through them."""

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from jobs.columns import declared
from schemas.area_statistics import DAILY_CHARTS


def transform(daily_tops: DataFrame) -> DataFrame:
    """Look back along the days on which a track has a position in an area; there is one row for each."""
    days = Window.partitionBy("area", "track_id").orderBy("event_date")
    so_far = days.rowsBetween(Window.unboundedPreceding, Window.currentRow)
    before = daily_tops.withColumns({"_day": F.lag("event_date").over(days), "_position": F.lag("position").over(days)})
    is_new_week = F.col("_day").isNull() | (F.trunc("_day", "week") != F.trunc("event_date", "week"))
    followed = before.withColumns(
        {
            "previous_position": F.when(F.col("_day") == F.date_sub("event_date", 1), F.col("_position")),
            "peak_position": F.min("position").over(so_far),
            "days_on_chart": F.count(F.lit(1)).over(so_far),
            "weeks_on_chart": F.sum(F.when(is_new_week, 1).otherwise(0)).over(so_far),
        }
    )
    return declared(followed, DAILY_CHARTS)
