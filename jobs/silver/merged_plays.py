"""silver.merged_plays: plays of a playback that another play tells of too."""

from collections.abc import Callable, Sequence

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.columns import declared
from playback.merge_rules import RULES, MergeRule
from playback.merging import COLUMNS, merge
from schemas.render.spark import spark_ddl
from schemas.silver import MERGED_PLAYS


def transform(plays: DataFrame) -> DataFrame:
    """Match plays of one listener and date that come from several sources or devices; see `playback.merging`."""
    known = plays.where(F.col("track_id").isNotNull()).select("event_date", *COLUMNS)
    told_by = F.concat_ws("\x1f", "source", "device_id")
    # Most listeners use one device a day: nothing of these is sorted or leaves the engine.
    days = known.groupBy("event_date", "user_id").agg(F.min(told_by).alias("_one"), F.max(told_by).alias("_other"))
    several = days.where(F.col("_one") != F.col("_other")).select("event_date", "user_id")
    compared = known.join(several, on=["event_date", "user_id"], how="left_semi").select("event_date", *COLUMNS)
    merged = compared.groupBy("event_date").applyInArrow(_merge_by(RULES), spark_ddl(MERGED_PLAYS.fields))
    return declared(merged, MERGED_PLAYS)


def _merge_by(rules: Sequence[MergeRule]) -> Callable[[pa.Table], pa.Table]:
    def merge_date(plays: pa.Table) -> pa.Table:
        return merge(plays, plays["event_date"][0].as_py(), rules)

    return merge_date
