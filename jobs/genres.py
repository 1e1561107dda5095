"""Genres as entities: a playback counts for each genre that the catalogue knows of its track.

Sums are made by the genres of a row together first, which are few, and only those are divided: dividing each row by its
genres takes two to three times as long.
"""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.statistics import raw_and_clean, summed
from schemas.music_catalogue import BETWEEN_GENRES


def genre_cells(listener_track_days: DataFrame, *keys: str) -> DataFrame:
    """Sums by `keys` and genre, as `entity_type` and `entity_id`; playbacks of unknown genre are in none."""
    together = listener_track_days.groupBy(*keys, "genres").agg(*raw_and_clean())
    return by_genre(together).groupBy(*keys, "entity_type", "entity_id").agg(*summed())


def by_genre(rows: DataFrame) -> DataFrame:
    """Each row once for each of its `genres`, as `entity_type` and `entity_id`; one without any is left out."""
    name = F.explode(F.split("genres", BETWEEN_GENRES))
    named = rows.where(has_genres()).withColumns({"entity_type": F.lit("genre"), "entity_id": name})
    return named.drop("genres")


def has_genres() -> Column:
    """Whether the catalogue knows a genre of the row's track."""
    return F.coalesce("genres", F.lit("")) != ""


def genre_plays() -> list[Column]:
    """Plays of rows whose genres are known, all of them and those of days that are not flagged."""
    plays = F.col("play_count")
    return [
        F.sum(F.when(has_genres(), plays).otherwise(0)).alias("genre_play_count"),
        F.sum(F.when(has_genres() & ~F.col("is_flagged"), plays).otherwise(0)).alias("clean_genre_play_count"),
    ]
