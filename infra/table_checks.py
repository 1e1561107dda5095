"""Checks of a table as a whole: does it refer to what exists, are yesterday's rows as many as usual, is it fresh.

They are asked at every run, also of a table that has not changed: it is then that data which does not come is noticed.
What a volume needs is in Delta's log, so that no row is read for it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import median

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from infra.lake import Lake
from infra.table_sizes import rows_by_date
from schemas import catalog
from schemas.checks import Fresh, References, TableCheck, Volume
from schemas.errors import MissingInputError
from schemas.model import Table

_SHOWN_VALUES = 3
_FEWEST_DAYS = 2


@dataclass(frozen=True)
class Finding:
    """What a check found: rows it was asked of and rows that break it (None: not of rows), and what to say of it."""

    row_count: int | None = None
    unexpected_count: int | None = None
    message: str = ""


@dataclass(frozen=True)
class Asked:
    """The table that is asked: all rows of its current version, and the moment (UTC)."""

    session: SparkSession
    lake: Lake
    table: Table
    rows: DataFrame
    at: datetime


def finding(check: TableCheck, asked: Asked) -> Finding:
    """Evaluate one check; an empty message says that it holds."""
    return _EVALUATE[type(check)](check, asked)


def _references(check: References, asked: Asked) -> Finding:
    to = catalog.table(check.to)
    if asked.lake.version(to) is None:
        raise MissingInputError(
            f"{asked.table.full_name} refers to {check.to}, which does not exist yet: refresh that first."
        )
    known = asked.session.read.format("delta").load(str(asked.lake.path(to)))
    referred = known.select(F.col(check.to_column).alias(check.column)).distinct()
    given = asked.rows.select(check.column).where(F.col(check.column).isNotNull())
    lost = given.join(referred, on=check.column, how="left_anti").groupBy(check.column).count().orderBy(check.column)
    values = lost.collect()
    count = sum(row["count"] for row in values)
    if not count:
        return Finding(unexpected_count=0)
    if check.means:
        return Finding(None, count, f"{count} row(s) {check.means}")
    message = f"{check.column} of {count} row(s) is no {check.to_column} of {check.to}"
    if not asked.table.field(check.column).personal:
        message += f", first {' | '.join(str(row[check.column]) for row in values[:_SHOWN_VALUES])}"
    return Finding(None, count, message)


def _volume(check: Volume, asked: Asked) -> Finding:
    yesterday = asked.at.astimezone(UTC).date() - timedelta(days=1)
    before = [yesterday - timedelta(weeks=week) for week in range(1, check.weeks + 1)]
    days = rows_by_date(asked.lake, asked.table)
    counts = [days[day] for day in before if days.get(day)]
    found = days.get(yesterday, 0)
    usual = median(counts) if len(counts) >= _FEWEST_DAYS else 0
    if usual < check.at_least_rows:
        return Finding(found)
    if check.minimum_percent * usual <= 100 * found <= check.maximum_percent * usual:
        return Finding(found)
    return Finding(found, None, f"{yesterday} has {found:,} row(s), and such a day usually {usual:,.0f}")


def _fresh(check: Fresh, asked: Asked) -> Finding:
    # As whole seconds: a session hands timestamps over in the zone of this machine.
    latest = asked.rows.agg(F.max(F.unix_seconds(check.column)).alias("latest")).collect()[0]["latest"]
    if latest is None:
        return Finding(message=f"there is no {check.column} yet")
    moment = datetime.fromtimestamp(latest, UTC)
    if asked.at - moment <= timedelta(hours=check.hours):
        return Finding()
    return Finding(message=f"the latest {check.column} is {moment:%Y-%m-%d %H:%M} UTC, over {check.hours} hours ago")


_EVALUATE: dict[type, Callable[..., Finding]] = {References: _references, Volume: _volume, Fresh: _fresh}
