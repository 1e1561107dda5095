"""silver.duplicates: records that repeat an event which an earlier record brought."""

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from jobs.columns import classified, declared
from schemas.bronze import RECORD_KEY
from schemas.events import CURRENT
from schemas.silver import DUPLICATES, PLAYS

_CONTENT = tuple(field.name for field in CURRENT.fields if field.name != "event_id")
"""What a record says under its id; `track_id`, `content_type` and `country` as silver resolves them."""


def transform(playback_events: DataFrame, plays: DataFrame) -> DataFrame:
    """Rank the new records of each event together with the one accepted before; all but the earliest are duplicates.

    `plays` is the table before the new records. The accepted record itself becomes a duplicate when a new one was
    appended before it (two partitions are read to slightly different moments).
    """
    names = [field.name for field in PLAYS.fields]
    new = classified(playback_events).where(F.col("reason").isNull()).select(*names)
    accepted = (
        plays.select(*names).join(new.select("event_id").distinct(), on="event_id", how="left_semi").select(*names)
    )
    by_event = Window.partitionBy("event_id").orderBy("appended_at", "partition", "offset")
    whole = by_event.rowsBetween(Window.unboundedPreceding, Window.unboundedFollowing)
    # A record that was merged before and is read again stands on both sides.
    records = new.unionByName(accepted).dropDuplicates(list(RECORD_KEY))
    ranked = records.select(
        "*",
        F.row_number().over(by_event).alias("_rank"),
        *(F.first(name).over(whole).alias(f"kept_{name}") for name in (*RECORD_KEY, *_CONTENT)),
    )
    losers = ranked.where(F.col("_rank") > 1).select(
        "*", F.to_date("appended_at").alias("appended_date"), _differs().alias("is_conflict")
    )
    return declared(losers, DUPLICATES)


def _differs() -> Column:
    differs = F.lit(False)
    for name in _CONTENT:
        differs = differs | ~F.col(name).eqNullSafe(F.col(f"kept_{name}"))
    return differs
