"""silver.plays: every accepted playback once."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.columns import declared
from schemas.silver import PLAYS


def transform(playback_events: DataFrame) -> DataFrame:
    """Keep the classified records that are events; the refresh keeps the earliest of one event_id."""
    return declared(playback_events.where(F.col("reason").isNull()), PLAYS)
