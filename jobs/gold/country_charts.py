"""gold.country_charts: the most played tracks of each country over the last 7 and 28 days."""

from functools import reduce

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from jobs.columns import declared, exact_sum
from schemas.counts import CHART_LENGTH
from schemas.gold import CHART_WINDOWS_DAYS, COUNTRY_CHARTS


def transform(daily_track_plays: DataFrame, tracks: DataFrame) -> DataFrame:
    """Rank tracks by plays within windows that end on the latest day there is; a track without a play has no place."""
    last = daily_track_plays.agg(F.max("event_date").alias("chart_date"))
    dated = daily_track_plays.crossJoin(F.broadcast(last))
    windows = [
        dated.where(F.col("event_date") > F.date_sub("chart_date", days)).withColumn(
            "window_days", F.lit(days).cast("int")
        )
        for days in CHART_WINDOWS_DAYS
    ]
    played = (
        reduce(DataFrame.unionByName, windows)
        .groupBy("country", "window_days", "chart_date", "track_id")
        .agg(
            exact_sum(F.col("play_count")).alias("play_count"),
            exact_sum(F.col("played_ms")).alias("played_ms"),
            *(_known_sum(name).alias(name) for name in ("clean_play_count", "clean_played_ms")),
        )
        .where(F.col("play_count") > 0)
    )
    order = Window.partitionBy("country", "window_days").orderBy(F.col("play_count").desc(), "track_id")
    top = played.withColumn("position", F.row_number().over(order).cast("int")).where(F.col("position") <= CHART_LENGTH)
    names = tracks.where("is_current").select("track_id", "artist_name", "track_title")
    shown = top.join(names, on="track_id", how="left").fillna("", subset=["artist_name", "track_title"])
    return declared(shown, COUNTRY_CHARTS)


def _known_sum(name: str) -> Column:
    """Sum of a count that came later; null where one of the rows is from before it."""
    return F.when(F.count(name) == F.count(F.lit(1)), exact_sum(F.col(name)))
