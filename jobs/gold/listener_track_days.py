"""gold.listener_track_days: playbacks of tracks of each listener by day and local hour."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.columns import count_where, counted_once, declared
from jobs.statistics import is_flagged
from schemas.statistics import LISTENER_TRACK_DAYS

_SPELLING = ("artist_name", "track_title", "album_title")


def transform(plays: DataFrame, merged_plays: DataFrame, tracks: DataFrame, track_facts: DataFrame) -> DataFrame:
    """Count tracks by listener, day, country and local hour; the artist and the album are those it was spelled with."""
    seconds = _local_seconds()
    # Before anything else, so that what is told of twice does not count twice towards a flag either.
    plays = counted_once(plays, merged_plays)
    spelled = plays.where(F.col("content_type") == "track").select(
        "slice",
        "event_date",
        "user_id",
        "country",
        "track_id",
        *(F.coalesce(name, F.lit("")).alias(name) for name in _SPELLING),
        F.coalesce(F.date_add(F.lit("1970-01-01").cast("date"), _whole(seconds, 86_400)), "event_date").alias(
            "local_date"
        ),
        F.coalesce(F.pmod(_whole(seconds, 3_600), F.lit(24)), F.lit(-1)).cast("int").alias("local_hour"),
        "ms_played",
        "counts_as_play",
        "is_skip",
        is_flagged().alias("is_flagged"),
    )
    identities = tracks.select("track_id", *_SPELLING, "artist_id", "album_id")
    named = spelled.join(identities, on=["track_id", *_SPELLING], how="left").fillna("", ["artist_id", "album_id"])
    counted = named.groupBy("slice", *LISTENER_TRACK_DAYS.key, "is_flagged").agg(
        F.count(F.lit(1)).alias("playback_count"),
        count_where(F.col("counts_as_play")).alias("play_count"),
        count_where(F.col("is_skip")).alias("skip_count"),
        F.sum("ms_played").alias("played_ms"),
    )
    told = counted.join(track_facts.select("track_id", "release_year", "genres"), on="track_id", how="left")
    return declared(told.fillna({"release_year": 0, "genres": ""}), LISTENER_TRACK_DAYS)


def _local_seconds() -> Column:
    """Seconds since 1970 of the end on the listener's clock; null where its offset is not known."""
    return F.floor(F.unix_micros("occurred_at") / 1_000_000) + F.col("utc_offset_minutes") * 60


def _whole(seconds: Column, unit: int) -> Column:
    return F.floor(seconds / unit).cast("int")
