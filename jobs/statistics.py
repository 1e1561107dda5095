"""Aggregates that the transforms of several statistics share."""

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from schemas.area_statistics import EVERYWHERE
from schemas.statistics import FLAGGED_MEAN_MS, FLAGGED_MS, FLAGGED_PLAYBACKS, LISTENED, RAW_AND_CLEAN

_IDS = {"track": "track_id", "artist": "artist_id", "album": "album_id"}


def is_flagged() -> Column:
    """Whether the listener of a playback is flagged on its `event_date`, by all playbacks of the rows."""
    day = Window.partitionBy("user_id", "event_date")
    return is_flagged_day(F.sum("ms_played").over(day), F.count(F.lit(1)).over(day))


def is_flagged_day(heard: Column, playbacks: Column) -> Column:
    """Whether a listener is flagged on a day (UTC) of so many playbacks of tracks, of so many milliseconds in all."""
    hurried = (playbacks >= FLAGGED_PLAYBACKS) & (heard < playbacks * FLAGGED_MEAN_MS)
    return (heard > FLAGGED_MS) | hurried


def unflagged(name: str, flagged: Column | None = None) -> Column:
    """The value of a row, and 0 where `flagged` (the row's `is_flagged`)."""
    return F.when(F.col("is_flagged") if flagged is None else flagged, 0).otherwise(F.col(name))


def raw_and_clean() -> list[Column]:
    """Sums of `listener_track_days`, all of them and those of days that are not flagged.

    In 64 bits: a playback has at most a day, so that it takes 10^11 of them to fill these.
    """
    raw = [F.sum(one.name).alias(one.name) for one in LISTENED]
    clean = [F.sum(unflagged(one.name)) for one in LISTENED]
    return [*raw, *(value.alias(f"clean_{one.name}") for value, one in zip(clean, LISTENED, strict=True))]


def summed() -> list[Column]:
    """Sums of what `raw_and_clean` has summed already."""
    return [F.sum(one.name).alias(one.name) for one in RAW_AND_CLEAN]


def with_period(cells: DataFrame) -> DataFrame:
    """The cells with `period_kind` and `period_start`, which their slice says."""
    parts = F.split("slice", r"\.")
    return cells.withColumns({"period_kind": parts.getItem(0), "period_start": parts.getItem(1).cast("date")})


def by_entity(listener_track_days: DataFrame) -> DataFrame:
    """Each row once for its track, artist and album, where it has one, as `entity_type` and `entity_id`."""
    named = [F.struct(F.lit(kind).alias("entity_type"), F.col(name).alias("entity_id")) for kind, name in _IDS.items()]
    each = listener_track_days.withColumn("_entity", F.explode(F.array(*named))).drop(*_IDS.values())
    parts = {name: F.col(f"_entity.{name}") for name in ("entity_type", "entity_id")}
    return each.withColumns(parts).drop("_entity").where(F.col("entity_id") != "")


def by_area(cells: DataFrame, *keys: str) -> DataFrame:
    """Cells of `country`, `user_id` and `keys`, once under their country and once under all together, as `area`.

    Multiplied, not united with sums of themselves: an engine would compute the cells twice.
    """
    areas = F.explode(F.array("country", F.lit(EVERYWHERE)))
    return cells.withColumn("area", areas).groupBy("area", "user_id", *keys).agg(*summed())


def over_listeners(cells: DataFrame, *keys: str) -> DataFrame:
    """Sums over the listeners of cells that have one row for each, and how many these are."""
    listeners = F.count(F.lit(1)).alias("listener_count")
    clean = F.count(F.when(F.col("clean_playback_count") > 0, True)).alias("clean_listener_count")
    return cells.groupBy(*keys).agg(*summed(), listeners, clean)


def over_shares(partial: DataFrame, *keys: str) -> DataFrame:
    """Sums of what `over_listeners` says of some listeners and of others, none of whom are the same."""
    counts = [F.sum(name).alias(name) for name in ("listener_count", "clean_listener_count")]
    return partial.groupBy(*keys).agg(*summed(), *counts)


def top(cells: DataFrame, by: Sequence[str], entity: str, length: int) -> DataFrame:
    """The `length` cells of each group `by` that were played most, with their `position`; ties by `entity`.

    Partitioned by a hash first: numbers are sorted in two thirds of the time that the texts take. What is of one slice,
    the first of `by`, has the same upper half of it, and so comes together as it is written.
    """
    slice_hash, lower = F.shiftleft(F.xxhash64(by[0]), 32), F.xxhash64(*by).bitwiseAND(F.lit(2**32 - 1))
    order = Window.partitionBy("_hash", *by).orderBy(F.col("play_count").desc(), entity)
    played = cells.where(F.col("play_count") > 0).withColumn("_hash", slice_hash.bitwiseOR(lower))
    ranked = played.withColumn("position", F.row_number().over(order).cast("int"))
    return ranked.where(F.col("position") <= length)
