"""gold.area_periods: what was heard in each country, and in all together, in a period."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.columns import declared
from jobs.genres import genre_plays
from jobs.statistics import by_area, over_listeners, raw_and_clean, with_period
from schemas.area_statistics import AREA_PERIODS, EVERYWHERE


def transform(listener_track_days: DataFrame) -> DataFrame:
    """Sum by listener first, as in `gold.area_tops`; tracks are counted apart."""
    listeners = listener_track_days.groupBy("slice", "country", "user_id").agg(*raw_and_clean())
    heard = over_listeners(by_area(listeners, "slice"), "slice", "area")
    here = listener_track_days.groupBy("slice", F.col("country").alias("area"), "track_id").agg(genre_plays())
    plays = F.sum("genre_play_count").alias("genre_play_count")
    anywhere = here.groupBy("slice", "track_id").agg(plays).withColumn("area", F.lit(EVERYWHERE))
    tracks = here.unionByName(anywhere).groupBy("slice", "area").agg(F.count(F.lit(1)).alias("track_count"), plays)
    return declared(with_period(heard.join(tracks, on=["slice", "area"], how="inner")), AREA_PERIODS)
