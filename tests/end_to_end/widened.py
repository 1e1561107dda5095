"""The command line of a later Tonearm: two published tables have a nullable column more, which their transforms fill.

`python -m tests.end_to_end.widened COMMAND …` is `tonearm COMMAND …` with these declarations. The column `mean_ms` of
the days and of the charts says how long a playback was on average; with `REQUIRED` in the environment it may not be
null, which cannot be migrated.
"""

import importlib
import os
import sys
from dataclasses import replace
from functools import wraps

from schemas import gold
from schemas.model import Field, Table

COLUMN = "mean_ms"
REQUIRED = "TONEARM_TEST_REQUIRED"


def widened(table: Table) -> Table:
    """The table with the column in the middle, as somebody may declare it."""
    column = Field(COLUMN, "long", "Milliseconds of a playback.", nullable=REQUIRED not in os.environ)
    return replace(table, fields=(*table.fields[:3], column, *table.fields[3:]))


WIDENED = {table.full_name: widened(table) for table in (gold.DAILY_USER_PLAYS, gold.COUNTRY_CHARTS)}
COUNT = {"gold.daily_user_plays": "playback_count", "gold.country_charts": "play_count"}


def declare() -> None:
    """Make these the declarations of this process, before anything has read them."""
    gold.TABLES = tuple(WIDENED.get(one.full_name, one) for one in gold.TABLES)  # type: ignore[assignment]
    for name, table in WIDENED.items():
        module = importlib.import_module(f"jobs.{name}")
        module.transform = _filling(module, table)  # type: ignore[attr-defined]


def _filling(module: object, table: Table) -> object:
    from pyspark.sql import DataFrame
    from pyspark.sql import functions as F

    before = module.transform  # type: ignore[attr-defined]

    @wraps(before)
    def transform(**inputs: DataFrame) -> DataFrame:
        rows = before(**inputs)
        mean = (F.col("played_ms") / F.col(COUNT[table.full_name])).cast("bigint")
        filled: DataFrame = rows.withColumn(COLUMN, mean)
        return filled

    return transform


if __name__ == "__main__":
    declare()
    from tonearm.app import run

    sys.exit(run(sys.argv[1:]))
