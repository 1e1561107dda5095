"""What another version of the play rules would move, computed beside the tables, before anything is changed.

The same transforms are given the playbacks twice, once as they were judged and once as the version would judge them.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from infra.lake import Lake
from jobs.columns import counted_once
from jobs.gold import country_charts, daily_track_plays
from playback.rules import FACTS, RULES, PlayRule, apply_rules
from schemas.errors import MissingInputError
from schemas.gold import DAILY_USER_PLAYS
from schemas.model import Table
from schemas.render.spark import spark_ddl
from schemas.silver import MERGED_PLAYS, PLAYS, TRACKS

ALWAYS = date.min
_CHART = ("country", "window_days", "track_id")


@dataclass(frozen=True)
class Counts:
    """Plays and skips of playbacks of tracks, as they are (`before`) and as they would be (`after`)."""

    playback_count: int
    plays_before: int
    plays_after: int
    skips_before: int
    skips_after: int


@dataclass(frozen=True)
class Place:
    """A track of a chart whose position or plays would move; None: it has no position there."""

    country: str
    window_days: int
    track_id: str
    artist_name: str
    track_title: str
    position_before: int | None
    position_after: int | None
    plays_before: int | None
    plays_after: int | None


@dataclass(frozen=True)
class Recount:
    """What would move: totals of each country that has any, how many tracks, those that move most, and charts."""

    countries: dict[str, Counts]
    moved_tracks: int
    tracks: dict[str, Counts]
    places: list[Place]

    @property
    def total(self) -> Counts:
        """Of all countries together."""
        sums = (sum(column) for column in zip(*(vars(one).values() for one in self.countries.values()), strict=True))
        return Counts(*sums) if self.countries else Counts(0, 0, 0, 0, 0)


def recount(session: SparkSession, lake: Lake, rule: PlayRule, since: date = ALWAYS, most_tracks: int = 20) -> Recount:
    """Count with `rule` as if it were in force from a date on, whatever its own; nothing is written.

    Raises MissingInputError where there are no plays yet.
    """
    read = (PLAYS, TRACKS, MERGED_PLAYS, DAILY_USER_PLAYS)
    plays, tracks, merged_plays, daily_user_plays = (_read(session, lake, table) for table in read)
    plays = counted_once(plays, merged_plays)
    # Under a name of its own: a version may be asked about that was in force before, and of a name there is one.
    asked = replace(rule, version="asked", valid_from=since)
    proposed = (*(one for one in RULES if one.valid_from < since), asked)
    # By time and number of playbacks, which no rules change: the same for both.
    flagged = daily_track_plays.flagged_days(daily_user_plays)
    before = daily_track_plays.counted(plays, flagged)
    after = daily_track_plays.counted(plays.mapInArrow(_judge_by(proposed), spark_ddl(PLAYS.fields)), flagged)
    moved = _counts(before, after, "track_id").where(
        (F.col("plays_before") != F.col("plays_after")) | (F.col("skips_before") != F.col("skips_after"))
    )
    by_size = (F.abs(F.col("plays_after") - F.col("plays_before")).desc(), "track_id")
    return Recount(
        countries=_named(_counts(before, after, "country").orderBy("country")),
        moved_tracks=moved.count(),
        tracks=_named(moved.orderBy(*by_size).limit(most_tracks)),
        places=_moved_places(*(_chart(daily, tracks) for daily in (before, after))),
    )


def _read(session: SparkSession, lake: Lake, table: Table) -> DataFrame:
    """The table as it is now, also when a run commits to it meanwhile."""
    version = lake.version(table)
    if version is None:
        raise MissingInputError(f"There is no {table.full_name} yet: run `tonearm run`, then this again.")
    rows = session.read.format("delta").option("versionAsOf", version).load(str(lake.path(table)))
    return rows.select(*(field.name for field in table.fields))


def _judge_by(rules: tuple[PlayRule, ...]) -> Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    def judge(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            ruling = apply_rules({name: batch[name] for name in FACTS}, batch["event_date"], rules)
            columns = dict(zip(batch.schema.names, batch.columns, strict=True)) | vars(ruling)
            yield pa.RecordBatch.from_pydict(columns)

    return judge


def _counts(before: DataFrame, after: DataFrame, key: str) -> DataFrame:
    """`Counts` by a key of two sets of `gold.daily_track_plays`."""
    nothing = F.lit(0).cast("bigint")
    sides = [
        daily.select(
            key,
            (F.col("playback_count") if is_before else nothing).alias("playback_count"),
            (F.col("play_count") if is_before else nothing).alias("plays_before"),
            (nothing if is_before else F.col("play_count")).alias("plays_after"),
            (F.col("skip_count") if is_before else nothing).alias("skips_before"),
            (nothing if is_before else F.col("skip_count")).alias("skips_after"),
        )
        for daily, is_before in ((before, True), (after, False))
    ]
    names = tuple(Counts.__dataclass_fields__)
    return sides[0].unionByName(sides[1]).groupBy(key).agg(*(F.sum(name).alias(name) for name in names))


def _named(counts: DataFrame) -> dict[str, Counts]:
    return {name: Counts(*numbers) for name, *numbers in (tuple(row) for row in counts.collect())}


def _chart(daily: DataFrame, tracks: DataFrame) -> dict[tuple[str, int, str], dict[str, object]]:
    rows = (row.asDict() for row in country_charts.transform(daily, tracks).collect())
    return {(row["country"], row["window_days"], row["track_id"]): row for row in rows}


def _moved_places(
    before: dict[tuple[str, int, str], dict[str, object]], after: dict[tuple[str, int, str], dict[str, object]]
) -> list[Place]:
    """In the order of the charts as they would be, those who would leave them at the end of each."""
    found = []
    for key in before.keys() | after.keys():
        was, would_be = before.get(key, {}), after.get(key, {})
        standing = [one.get(name) for name in ("position", "play_count") for one in (was, would_be)]
        if standing[0] != standing[1] or standing[2] != standing[3]:
            named = would_be or was
            found.append(Place(*key, named["artist_name"], named["track_title"], *standing))  # type: ignore[arg-type]
    return sorted(found, key=lambda one: (one.country, one.window_days, one.position_after or 10**9, one.track_id))
