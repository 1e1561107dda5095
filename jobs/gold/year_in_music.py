"""gold.year_in_music: what a year was to each listener, module by module."""

from functools import reduce

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from jobs.columns import count_where, declared
from jobs.genres import genre_cells
from jobs.statistics import raw_and_clean, top, with_period
from schemas.statistics import ENTITY_TYPES
from schemas.year_in_music import BEST, KNOWN_TOPS, TOPS, YEAR_IN_MUSIC, YEAR_TOP_LENGTH

_LISTENER = ("slice", "user_id")
_MODULE = (*_LISTENER, "module", "position", "entity_type", "entity_id", "value", "clean_value")
_DAY = "day"


def transform(listener_track_days: DataFrame, listener_discoveries: DataFrame, listener_eras: DataFrame) -> DataFrame:
    """Sum up once by everything that is ranked or counted, and read the modules off these cells."""
    cells, genres = _cells(listener_track_days), genre_cells(listener_track_days, *_LISTENER)
    listeners = listener_track_days.select(*_LISTENER).distinct()
    firsts = _firsts(listeners, listener_discoveries)
    new = firsts.where(F.col("is_new") & (F.col("entity_type") == "artist"))
    new_artists = cells.join(new, on=[*_LISTENER, "entity_type", "entity_id"], how="left_semi")
    modules = [
        _sums(cells.unionByName(genres)),
        _streaks(listener_track_days),
        # In one order: an engine computes the cells again for each.
        _ranked(cells, TOPS | BEST, YEAR_TOP_LENGTH).where(F.col("entity_type").isin(*TOPS) | (F.col("position") == 1)),
        _ranked(new_artists, {"artist": "top_discovery"}, 1),
        _ranked(genres, KNOWN_TOPS, YEAR_TOP_LENGTH),
        _repeated(listener_track_days),
        _found(listeners, firsts),
        *_eras(listener_eras.join(listeners, on=list(_LISTENER), how="left_semi")),
    ]
    together = reduce(DataFrame.unionByName, modules)
    return declared(with_period(together), YEAR_IN_MUSIC)


def _cells(days: DataFrame) -> DataFrame:
    """Sums of each listener's year by track, artist, album, weekday, hour, month and day; unknown ones have none."""
    is_local = F.col("local_hour") >= 0
    # dayofweek says 1 for Sunday on both engines.
    weekday = F.pmod(F.dayofweek("local_date") + 5, F.lit(7)) + 1
    entities = {
        **{kind: F.col(f"{kind}_id") for kind in TOPS},
        "weekday": F.when(is_local, weekday.cast("string")).otherwise(""),
        "hour": F.when(is_local, F.lpad(F.col("local_hour").cast("string"), 2, "0")).otherwise(""),
        "month": F.substring(F.col("event_date").cast("string"), 1, 7),
        _DAY: F.col("event_date").cast("string"),
    }
    named = [F.struct(F.lit(kind).alias("entity_type"), one.alias("entity_id")) for kind, one in entities.items()]
    each = days.withColumn("_entity", F.explode(F.array(*named)))
    parts = {name: F.col(f"_entity.{name}") for name in ("entity_type", "entity_id")}
    known = each.withColumns(parts).where(F.col("entity_id") != "")
    return known.groupBy(*_LISTENER, "entity_type", "entity_id").agg(*raw_and_clean())


def _plain(rows: DataFrame, modules: dict[str, tuple[Column, Column]]) -> DataFrame:
    """One row for each module that is a number of the whole year; of each the value, and that without flagged days."""
    parts = [
        F.struct(F.lit(name).alias("module"), raw.cast("long").alias("value"), clean.cast("long").alias("clean_value"))
        for name, (raw, clean) in modules.items()
    ]
    each = rows.select(*_LISTENER, F.explode(F.array(*parts)).alias("_module"))
    named = each.select(*_LISTENER, *(F.col(f"_module.{name}") for name in ("module", "value", "clean_value")))
    nothing = {"position": F.lit(1), "entity_type": F.lit(""), "entity_id": F.lit("")}
    return named.withColumns(nothing).select(*_MODULE)


def _sums(cells: DataFrame) -> DataFrame:
    """What was heard in all: every playback is once in its track, and once in its day."""
    of_kind = {kind: F.col("entity_type") == kind for kind in (*ENTITY_TYPES, _DAY)}
    totals = [
        F.sum(F.when(of_kind["track"], F.col(name)).otherwise(0)).alias(name)
        for one in ("playback_count", "play_count", "skip_count", "played_ms")
        for name in (one, f"clean_{one}")
    ]
    distinct = [count_where(is_kind).alias(kind) for kind, is_kind in of_kind.items()]
    is_clean = F.col("clean_playback_count") > 0
    clean = [count_where(is_kind & is_clean).alias(f"clean_{kind}") for kind, is_kind in of_kind.items()]
    summed = cells.groupBy(*_LISTENER).agg(*totals, *distinct, *clean)
    named = {"played_ms": "played_ms", "plays": "play_count", "active_days": _DAY}
    named |= {f"{kind}s": kind for kind in ENTITY_TYPES}
    modules = {module: (F.col(name), F.col(f"clean_{name}")) for module, name in named.items()}
    return _plain(summed, modules | {"skips_permille": (_permille(""), _permille("clean_"))})


def _permille(prefix: str) -> Column:
    """Skips of a thousand playbacks, rounded down; 0 of none."""
    skips, playbacks = F.col(f"{prefix}skip_count"), F.col(f"{prefix}playback_count")
    return F.when(playbacks > 0, F.floor(skips * 1000 / playbacks)).otherwise(0)


def _streaks(days: DataFrame) -> DataFrame:
    """The most days in a row, with a playback and with one on a day that is not flagged."""
    counted = days.groupBy(*_LISTENER, F.col("event_date").alias("_day")).agg(*raw_and_clean())
    clean = counted.where(F.col("clean_playback_count") > 0)
    both = _longest(counted, "_raw").join(_longest(clean, "_clean"), on=list(_LISTENER), how="left")
    return _plain(both, {"longest_streak_days": (F.col("_raw"), F.coalesce("_clean", F.lit(0)))})


def _longest(days: DataFrame, name: str) -> DataFrame:
    """Days in a row have the same distance between their date and their number."""
    order = Window.partitionBy(*_LISTENER).orderBy("_day")
    begun = days.withColumn("_begun", F.date_sub("_day", F.row_number().over(order)))
    lengths = begun.groupBy(*_LISTENER, "_begun").agg(F.count(F.lit(1)).alias("_days"))
    return lengths.groupBy(*_LISTENER).agg(F.max("_days").alias(name))


def _ranked(cells: DataFrame, modules: dict[str, str], length: int) -> DataFrame:
    """The most played of each kind, at most `length`; ties by `entity_id`."""
    kinds = F.create_map(*(F.lit(word) for pair in modules.items() for word in pair))
    wanted = cells.where(F.col("entity_type").isin(*modules))
    places = top(wanted, (*_LISTENER, "entity_type"), "entity_id", length)
    plays = {"value": F.col("play_count"), "clean_value": F.col("clean_play_count")}
    return places.withColumns({"module": kinds[F.col("entity_type")]} | plays).select(*_MODULE)


def _repeated(days: DataFrame) -> DataFrame:
    """The track that was played most often on one day; ties by track, then the first of its days."""
    counted = days.groupBy(*_LISTENER, "track_id", "event_date").agg(*raw_and_clean())
    order = Window.partitionBy(*_LISTENER).orderBy(F.col("play_count").desc(), "track_id", "event_date")
    numbered = counted.where(F.col("play_count") > 0).withColumn("position", F.row_number().over(order))
    first = numbered.where(F.col("position") == 1)
    named = {
        "module": F.lit("most_repeated_track_in_a_day"),
        "entity_type": F.lit("track"),
        "entity_id": F.col("track_id"),
        "value": F.col("play_count"),
        "clean_value": F.col("clean_play_count"),
    }
    return first.withColumns(named).select(*_MODULE)


def _firsts(listeners: DataFrame, discoveries: DataFrame) -> DataFrame:
    """What each listener of a year played first in it, raw (`is_new`) or on a day that is not flagged."""
    year = F.year(F.split("slice", r"\.").getItem(1).cast("date"))
    firsts = discoveries.select("user_id", "entity_type", "entity_id", "first_date", "clean_first_date")
    joined = listeners.withColumn("_year", year).join(firsts, on="user_id", how="inner")
    is_new = F.year("first_date") == F.col("_year")
    is_clean_new = F.coalesce(F.year("clean_first_date") == F.col("_year"), F.lit(False))
    told = joined.withColumns({"is_new": is_new, "is_clean_new": is_clean_new})
    return told.where(F.col("is_new") | F.col("is_clean_new"))


def _found(listeners: DataFrame, firsts: DataFrame) -> DataFrame:
    """How many tracks, artists, albums and genres are new; 0 where none is."""
    counts = [
        count_where((F.col("entity_type") == kind) & F.col(flag)).alias(f"{prefix}{kind}")
        for kind in ENTITY_TYPES
        for prefix, flag in (("", "is_new"), ("clean_", "is_clean_new"))
    ]
    counted = listeners.join(firsts.groupBy(*_LISTENER).agg(*counts), on=list(_LISTENER), how="left")
    modules = {
        f"new_{kind}s": (F.coalesce(kind, F.lit(0)), F.coalesce(f"clean_{kind}", F.lit(0))) for kind in ENTITY_TYPES
    }
    return _plain(counted, modules)


def _eras(eras: DataFrame) -> list[DataFrame]:
    """The most played decades, and how old the music is; of what the catalogue knows."""
    known = eras.where(F.col("release_year") > 0)
    first = (F.floor(F.col("release_year") / 10) * 10).cast("int").cast("string")
    decades = known.withColumns({"entity_type": F.lit("decade"), "entity_id": first})
    plays = [F.sum(name).alias(name) for name in ("play_count", "clean_play_count")]
    counted = decades.groupBy(*_LISTENER, "entity_type", "entity_id").agg(*plays)
    medians = _median(known, "play_count").join(_median(known, "clean_play_count"), on=list(_LISTENER), how="left")
    year = F.year(F.split("slice", r"\.").getItem(1).cast("date"))
    ages = (F.greatest(year - F.col(f"_of_{name}"), F.lit(0)) for name in ("play_count", "clean_play_count"))
    raw, clean = ages
    return [
        _ranked(counted, KNOWN_TOPS, YEAR_TOP_LENGTH),
        _plain(medians, {"musical_age": (raw, F.coalesce(clean, F.lit(0)))}),
    ]


def _median(known: DataFrame, plays: str) -> DataFrame:
    """The year by whose end half of the plays of a listener were released; of no plays none."""
    listener = Window.partitionBy(*_LISTENER)
    so_far = listener.orderBy("release_year").rowsBetween(Window.unboundedPreceding, Window.currentRow)
    summed = known.withColumns({"_so_far": F.sum(plays).over(so_far), "_all": F.sum(plays).over(listener)})
    reached = summed.where((F.col(plays) > 0) & (F.col("_so_far") * 2 >= F.col("_all")))
    return reached.groupBy(*_LISTENER).agg(F.min("release_year").alias(f"_of_{plays}"))
