"""silver.duplicates: records that repeat an event which an earlier record brought."""

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from jobs.columns import declared
from schemas.bronze import RECORD_KEY
from schemas.events import CURRENT, RELEASED
from schemas.silver import DUPLICATES, FIRST_BY, PLAYS

_CONTENT = tuple(field.name for field in CURRENT.fields if field.name != "event_id")
"""What a record says under its id; `track_id`, `content_type` and `country` as silver resolves them."""

_ALWAYS_KNOWN = frozenset.intersection(*(frozenset(field.name for field in event.fields) for event in RELEASED))
"""Fields of every released version; of the others an old client says nothing, which contradicts nobody."""


def transform(playback_events: DataFrame, plays: DataFrame) -> DataFrame:
    """Rank the new classified records of each event with the one accepted before; all but the earliest are duplicates.

    `plays` is the table before the new records. The accepted record itself becomes a duplicate when a new one was
    appended before it (two partitions are read to slightly different moments).
    """
    names = [field.name for field in PLAYS.fields]
    new = playback_events.where(F.col("reason").isNull()).select(*names)
    # A record that was merged before and is read again would stand on both sides.
    accepted = plays.select(*names).join(new.select(*RECORD_KEY), on=list(RECORD_KEY), how="left_anti")
    known = accepted.join(new.select("event_id"), on="event_id", how="left_semi").select(*names)
    records = new.unionByName(known)
    # Most events come once: what follows costs much per event and is for the others.
    repeated = records.groupBy("event_id").count().where(F.col("count") > 1)
    by_event = Window.partitionBy("event_id").orderBy(*FIRST_BY)
    ranked = records.join(repeated, on="event_id", how="left_semi").withColumn("_rank", F.row_number().over(by_event))
    kept = ranked.where(F.col("_rank") == 1).select(
        "event_id", *(F.col(name).alias(f"kept_{name}") for name in (*RECORD_KEY, *_CONTENT))
    )
    losers = ranked.where(F.col("_rank") > 1).join(kept, on="event_id", how="inner")
    dated = losers.select("*", F.to_date("appended_at").alias("appended_date"), _differs().alias("is_conflict"))
    return declared(dated, DUPLICATES)


def _differs() -> Column:
    differs = F.lit(False)
    for name in _CONTENT:
        one, other = F.col(name), F.col(f"kept_{name}")
        says_otherwise = ~one.eqNullSafe(other) if name in _ALWAYS_KNOWN else F.coalesce(one != other, F.lit(False))
        differs = differs | says_otherwise
    return differs
