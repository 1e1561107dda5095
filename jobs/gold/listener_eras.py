"""gold.listener_eras: what each listener heard in a period, by year of release."""

from pyspark.sql import DataFrame

from jobs.columns import declared
from jobs.statistics import raw_and_clean, with_period
from schemas.eras import LISTENER_ERAS


def transform(listener_track_days: DataFrame) -> DataFrame:
    """Playbacks whose year of release is unknown are a group of their own."""
    counted = listener_track_days.fillna(0, ["release_year"]).groupBy("slice", "user_id", "release_year")
    return declared(with_period(counted.agg(*raw_and_clean())), LISTENER_ERAS)
