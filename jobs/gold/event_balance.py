"""gold.event_balance: has every message that clients sent exactly one fate?"""

from functools import reduce

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from jobs.columns import client_id, count_where, declared, exact_sum, is_counted_by_client, is_mark, marked_numbers
from schemas.gold import BALANCE_STAGES, EVENT_BALANCE, FATES, LOSS_HORIZON_HOURS

_CELL = ("client_id", "topic_id", "hour")
_COUNTS = ("received", *FATES)
_HORIZON_MICROS = LOSS_HORIZON_HOURS * 3_600_000_000


def transform(
    playback_events: DataFrame, manifests: DataFrame, plays: DataFrame, duplicates: DataFrame, dead_letters: DataFrame
) -> DataFrame:
    """Settle what was sent against the verdicts, by client, topic and hour; the ledger's newest append is its clock."""
    records = playback_events.where(~is_mark())
    parts = [
        _counted(records.withColumn("client_id", client_id()), received=F.count(F.lit(1))),
        _missing(playback_events),
        _unarrived(records, manifests),
        _counted(plays, accepted=F.count(F.lit(1))),
        _counted(duplicates, duplicate=F.count(F.lit(1))),
        _dead(dead_letters, records),
    ]
    sums = (exact_sum(F.col(name)).alias(name) for name in _COUNTS)
    cells = reduce(DataFrame.unionByName, parts).groupBy(*_CELL).agg(F.max("topic").alias("topic"), *sums)
    stages = F.explode(F.array(*map(F.lit, BALANCE_STAGES))).alias("stage")
    sent = (F.col("received") + F.col("pending") + F.col("lost")).alias("sent")
    staged = cells.select(*_CELL, "topic", *_COUNTS, sent, stages)
    fates = staged.select(*_CELL, "topic", "stage", "sent", *(_fate(name).alias(name) for name in FATES))
    unaccounted = reduce(Column.__sub__, map(F.col, FATES), F.col("sent"))
    sheet = fates.withColumn("unaccounted", unaccounted)
    return declared(sheet.where((F.col("sent") != 0) | (F.col("unaccounted") != 0)), EVENT_BALANCE)


def arrivals(records: DataFrame) -> DataFrame:
    """How many ledger records came in by manifest (null: of none), topic and hour of append."""
    return records.groupBy("manifest_id", "topic_id", _hour().alias("hour")).agg(
        F.max("topic").alias("topic"), F.count(F.lit(1)).alias("arrived")
    )


def _fate(name: str) -> Column:
    """The count of a fate in the row's stage: in the ledger all that came is accepted, there are no verdicts yet."""
    if name in ("pending", "lost"):
        return F.col(name)
    in_ledger = F.col("received") if name == "accepted" else F.lit(0).cast("bigint")
    return F.when(F.col("stage") == "bronze", in_ledger).otherwise(F.col(name))


def _missing(playback_events: DataFrame) -> DataFrame:
    """Numbers that no record has: below one that came, or below the installation's mark."""
    counted = playback_events.where(~is_mark() & is_counted_by_client()).withColumnRenamed("install_id", "client_id")
    marks = _marks(playback_events)
    # Most installations miss nothing: what follows costs much per record and is for the others.
    numbers = counted.select("client_id", "sequence").distinct()
    extents = numbers.groupBy("client_id").agg(
        F.count(F.lit(1)).alias("numbers"), (F.max("sequence") + 1).alias("reached")
    )
    known = extents.join(marks, on="client_id", how="full_outer").fillna(0, subset=["numbers", "reached", "used"])
    incomplete = known.where(F.col("numbers") < F.greatest("reached", "used"))
    newest = playback_events.agg(F.max("appended_at").alias("newest"))
    return _counted(
        _gaps(counted, incomplete, newest).unionByName(_tails(incomplete)),
        pending=F.sum("pending"),
        lost=F.sum("lost"),
    )


def _marks(playback_events: DataFrame) -> DataFrame:
    """The highest mark of each installation, the earliest of several: how many numbers it says are used, and where."""
    marks = playback_events.where(is_mark()).withColumn("used", marked_numbers()).where(F.col("used").isNotNull())
    first = F.min(F.struct((-F.col("used")).alias("used"), "appended_at", "topic_id", "topic")).alias("mark")
    highest = marks.withColumnRenamed("install_id", "client_id").groupBy("client_id").agg(first)
    return highest.select("client_id", (-F.col("mark.used")).alias("used"), "mark")


def _gaps(counted: DataFrame, incomplete: DataFrame, newest: DataFrame) -> DataFrame:
    """Missing numbers below one that came, where and when that one came first."""
    first = F.min(F.struct("appended_at", "topic_id", "topic")).alias("first")
    came = counted.join(incomplete.select("client_id", "used"), on="client_id", how="inner")
    firsts = came.groupBy("client_id", "used", "sequence").agg(first)
    in_order = Window.partitionBy("client_id").orderBy("sequence")
    begin = F.coalesce(F.lag("sequence").over(in_order) + 1, F.lit(0)).alias("begin")
    gaps = firsts.select("client_id", "used", "sequence", "first.*", begin).where(F.col("begin") < F.col("sequence"))
    below_mark = F.greatest(F.least("sequence", "used") - F.col("begin"), F.lit(0).cast("bigint"))
    above_mark = F.col("sequence") - F.col("begin") - below_mark
    is_past = F.unix_micros("newest") - F.unix_micros("appended_at") > _HORIZON_MICROS
    aged = gaps.crossJoin(F.broadcast(newest))
    return aged.select(
        "client_id",
        "topic_id",
        "topic",
        "appended_at",
        F.when(is_past, F.lit(0).cast("bigint")).otherwise(above_mark).alias("pending"),
        (below_mark + F.when(is_past, above_mark).otherwise(F.lit(0).cast("bigint"))).alias("lost"),
    )


def _tails(incomplete: DataFrame) -> DataFrame:
    """Numbers above the last one that came, and below the mark."""
    lost = (F.col("used") - F.col("reached")).alias("lost")
    tails = incomplete.where(F.col("used") > F.col("reached"))
    place = [F.col(f"mark.{name}") for name in ("topic_id", "topic", "appended_at")]
    return tails.select("client_id", *place, F.lit(0).cast("bigint").alias("pending"), lost)


def _unarrived(records: DataFrame, manifests: DataFrame) -> DataFrame:
    """What importers and replays announced and has not come; the simulation's clients have numbers."""
    announced = manifests.where(F.col("source") != "simulate")
    own = records.join(announced.select("manifest_id", "topic_id").distinct(), ["manifest_id", "topic_id"], "left_semi")
    names = ("manifest_id", "topic_id", "topic", "hour", "acknowledged", "in_doubt", "arrived")
    none = F.lit(0).cast("bigint")
    planned = announced.withColumn("arrived", none).select(*names)
    came = arrivals(own).withColumns({"acknowledged": none, "in_doubt": none}).select(*names)
    hours = (
        planned.unionByName(came)
        .groupBy("manifest_id", "topic_id", "hour")
        .agg(F.max("topic").alias("topic"), *(F.sum(name).alias(name) for name in names[4:]))
    )
    # What came beyond the acknowledged settles what is in doubt, the earliest plan first.
    whole = Window.partitionBy("manifest_id", "topic_id")
    until = whole.orderBy("hour").rowsBetween(Window.unboundedPreceding, Window.currentRow)
    surplus = F.sum(F.greatest(F.col("arrived") - F.col("acknowledged"), none)).over(whole)
    open_doubt = F.greatest(F.sum("in_doubt").over(until) - surplus, none)
    settled = hours.select(
        F.concat(F.lit("manifest:"), "manifest_id").alias("client_id"),
        "topic_id",
        "topic",
        F.col("hour").alias("appended_at"),
        F.least("in_doubt", open_doubt).alias("pending"),
        F.greatest(F.col("acknowledged") - F.col("arrived"), none).alias("lost"),
    )
    return _counted(settled, pending=F.sum("pending"), lost=F.sum("lost"))


def _dead(dead_letters: DataFrame, records: DataFrame) -> DataFrame:
    """Dead letters, and those among them that a record brought back."""
    replays = records.where(F.col("replay_of").isNotNull()).select(F.col("replay_of").alias("record")).distinct()
    named = dead_letters.withColumn("record", F.concat_ws("/", "topic_id", "partition", "offset"))
    marked = named.join(replays.withColumn("is_replayed", F.lit(True)), on="record", how="left")
    is_replayed = F.col("is_replayed").isNotNull()
    return _counted(marked, dead_letter=count_where(~is_replayed), replayed=count_where(is_replayed))


def _counted(rows: DataFrame, **counts: Column) -> DataFrame:
    """The given counts by cell, the others 0."""
    cells = rows.groupBy("client_id", "topic_id", "topic", _hour().alias("hour")).agg(
        *(count.cast("bigint").alias(name) for name, count in counts.items())
    )
    none = F.lit(0).cast("bigint")
    return cells.select(*_CELL, "topic", *(F.col(n) if n in counts else none.alias(n) for n in _COUNTS))


def _hour() -> Column:
    return F.date_trunc("hour", "appended_at")
