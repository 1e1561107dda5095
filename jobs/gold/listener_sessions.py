"""gold.listener_sessions: playbacks of each listener with no long silence between them."""

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from jobs.columns import count_where, counted_once, declared
from jobs.statistics import is_flagged
from schemas.statistics import LISTENER_SESSIONS, SESSION_SILENCE_MS


def transform(plays: DataFrame, merged_plays: DataFrame) -> DataFrame:
    """Number the sessions of a listener within a month, and sum each up; tracks count once, by grouping twice."""
    order = Window.partitionBy("slice", "user_id").orderBy("occurred_at", "event_id")
    so_far = order.rowsBetween(Window.unboundedPreceding, Window.currentRow)
    ended, heard_micros = F.unix_micros("occurred_at"), F.col("ms_played") * 1000
    silence = ended - heard_micros - F.lag(ended).over(order)
    begins = F.when(silence <= SESSION_SILENCE_MS * 1000, 0).otherwise(1)
    tracks = counted_once(plays, merged_plays).where(F.col("content_type") == "track")
    begun = tracks.withColumns({"is_flagged": is_flagged(), "_begins": begins})
    numbered = begun.withColumn("_number", F.sum("_begins").over(so_far))
    session = ("slice", "user_id", "_number")
    # Of the playback that begins a session there is one; the least struct of all takes an engine several times as long.
    first = {name: F.when(F.col("_begins") == 1, F.col(name)) for name in ("occurred_at", "ms_played", "event_date")}
    by_track = numbered.groupBy(*session, "track_id").agg(
        *(F.max(value).alias(f"_first_{name}") for name, value in first.items()),
        count_where((F.col("_begins") == 1) & F.col("is_flagged")).alias("_flagged"),
        F.max("occurred_at").alias("ended_at"),
        F.count(F.lit(1)).alias("playback_count"),
        count_where(F.col("counts_as_play")).alias("play_count"),
        count_where(F.col("is_skip")).alias("skip_count"),
        F.sum("ms_played").alias("played_ms"),
    )
    sessions = by_track.groupBy(*session).agg(
        *(F.max(f"_first_{name}").alias(f"_first_{name}") for name in first),
        F.max("ended_at").alias("ended_at"),
        *(F.sum(name).alias(name) for name in ("playback_count", "play_count", "skip_count", "played_ms", "_flagged")),
        F.count(F.lit(1)).alias("track_count"),
    )
    first_micros = F.unix_micros("_first_occurred_at") - F.col("_first_ms_played") * 1000
    told = sessions.withColumns(
        {
            "event_date": F.col("_first_event_date"),
            "first_ended_at": F.col("_first_occurred_at"),
            "started_at": F.timestamp_micros(first_micros),
            "is_flagged": F.col("_flagged") > 0,
        }
    )
    return declared(told, LISTENER_SESSIONS)
