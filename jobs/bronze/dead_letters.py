"""bronze.dead_letters: ledger records that are no valid event."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.columns import declared
from schemas.bronze import DEAD_LETTERS


def transform(playback_events: DataFrame) -> DataFrame:
    """Keep the classified records that have a reason not to be an event, with their original bytes."""
    return declared(playback_events.where(F.col("reason").isNotNull()), DEAD_LETTERS)
