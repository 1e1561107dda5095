"""silver.track_facts: what the catalogue knows of tracks that were played."""

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from jobs.columns import declared
from schemas.music_catalogue import TRACK_FACTS

_SAID = ("release_year", "genres")


def transform(tracks: DataFrame, catalogue_entries: DataFrame) -> DataFrame:
    """By the id, by the names to show, and genres by the artist too; each from the first of them that says it."""
    played = tracks.where((F.col("content_type") == "track") & F.col("is_current"))
    of_tracks = catalogue_entries.where(F.col("entity_type") == "track")
    of_artists = catalogue_entries.where(F.col("entity_type") == "artist")
    latest = Window.partitionBy("name_id").orderBy(F.col("row_number").desc())
    named = of_tracks.where(F.col("name_id") != "").withColumn("_rank", F.row_number().over(latest))
    found = played.select("track_id", F.coalesce("name_id", F.lit("")).alias("name_id"), "artist_id")
    for side, key, rows in (
        ("id", "track_id", of_tracks.withColumn("track_id", F.col("entity_id"))),
        ("name", "name_id", named.where(F.col("_rank") == 1)),
        ("artist", "artist_id", of_artists.withColumn("artist_id", F.col("entity_id"))),
    ):
        says = rows.select(key, *(F.col(name).alias(f"{name}_by_{side}") for name in _SAID))
        found = found.join(says, on=key, how="left")
    year = [F.nullif(f"release_year_by_{side}", F.lit(0)) for side in ("id", "name")]
    genres = [F.nullif(f"genres_by_{side}", F.lit("")) for side in ("id", "name", "artist")]
    known = found.withColumns({"release_year": F.coalesce(*year, F.lit(0)), "genres": F.coalesce(*genres, F.lit(""))})
    return declared(known.where((F.col("release_year") != 0) | (F.col("genres") != "")), TRACK_FACTS)
