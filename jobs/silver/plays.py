"""silver.plays: every accepted playback once."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.columns import classified, declared
from schemas.silver import PLAYS


def transform(playback_events: DataFrame) -> DataFrame:
    """Keep the records that are events; of records of one event_id the table's refresh keeps the earliest."""
    return declared(classified(playback_events).where(F.col("reason").isNull()), PLAYS)
