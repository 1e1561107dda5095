"""gold.entity_names: names to show of tracks, artists, albums and genres."""

from functools import reduce

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from jobs.columns import declared
from jobs.genres import by_genre
from schemas.statistics import ENTITY_NAMES

_SHOWN = {
    "track": ("track_id", "track_title"),
    "artist": ("artist_id", "artist_name"),
    "album": ("album_id", "album_title"),
}


def transform(tracks: DataFrame, track_facts: DataFrame) -> DataFrame:
    """Of all spellings of an entity the one seen last (ties: by name, so that it is one); a genre is its name."""
    music = tracks.where(F.col("content_type") == "track")
    named = [
        music.where(F.col(entity_id) != "").select(
            F.lit(entity_type).alias("entity_type"),
            F.col(entity_id).alias("entity_id"),
            F.col(name).alias("entity_name"),
            "artist_name",
            F.row_number().over(Window.partitionBy(entity_id).orderBy(*_seen_last())).alias("_rank"),
        )
        for entity_type, (entity_id, name) in _SHOWN.items()
    ]
    first = reduce(DataFrame.unionByName, named).where(F.col("_rank") == 1).drop("_rank")
    return declared(first.unionByName(_genres(track_facts)), ENTITY_NAMES)


def _seen_last() -> list[Column]:
    ties = ("artist_name", "track_title", "album_title", "track_id")
    return [F.col("last_seen_at").desc(), *(F.col(name) for name in ties)]


def _genres(track_facts: DataFrame) -> DataFrame:
    genres = by_genre(track_facts.select("genres").distinct()).distinct()
    return genres.withColumns({"entity_name": F.col("entity_id"), "artist_name": F.lit("")})
