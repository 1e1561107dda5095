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
    in_ledger = F.col("received") if name == "accepted" else _none()
    return F.when(F.col("stage") == "bronze", in_ledger).otherwise(F.col(name))


def _missing(playback_events: DataFrame) -> DataFrame:
    """Numbers that no record has: below one that came, or below the installation's mark."""
    gaps = _gaps(_numbered(playback_events))
    newest = playback_events.agg(F.max("appended_at").alias("newest"))
    below_mark = F.greatest(F.least("number", "used") - F.col("begin"), _none())
    above_mark = F.col("number") - F.col("begin") - below_mark
    is_past = F.unix_micros("newest") - F.unix_micros("appended_at") > _HORIZON_MICROS
    aged = gaps.crossJoin(F.broadcast(newest)).select(
        *("client_id", "topic_id", "topic", "appended_at"),
        F.when(is_past, _none()).otherwise(above_mark).alias("pending"),
        (below_mark + F.when(is_past, above_mark).otherwise(_none())).alias("lost"),
    )
    return _counted(aged, pending=F.sum("pending"), lost=F.sum("lost"))


def _numbered(playback_events: DataFrame) -> DataFrame:
    """What says how far an installation has counted: its records, and its marks under the first number not used."""
    number = F.when(is_mark(), marked_numbers()).when(is_counted_by_client(), F.col("sequence"))
    rows = playback_events.select(
        F.col("install_id").alias("client_id"),
        number.alias("number"),
        is_mark().alias("is_mark"),
        *("appended_at", "topic_id", "topic"),
    )
    return rows.where(F.col("number").isNotNull())


def _gaps(numbered: DataFrame) -> DataFrame:
    """Missing are the numbers from `begin` to below `number`, which is of the record or mark that shows it.

    That record's first append says where and when. `used` is the installation's highest mark.
    """
    key = ("client_id", "number", "is_mark")
    # Most installations miss nothing: what follows costs much per record and is for the others.
    extents = (
        numbered.select(*key)
        .distinct()
        .groupBy("client_id")
        .agg(
            count_where(~F.col("is_mark")).alias("came"),
            F.coalesce(F.max(F.when(~F.col("is_mark"), F.col("number") + 1)), _none()).alias("reached"),
            F.coalesce(F.max(F.when(F.col("is_mark"), F.col("number"))), _none()).alias("used"),
        )
    )
    incomplete = extents.where(F.col("came") < F.greatest("reached", "used"))
    is_tail = (F.col("number") == F.col("used")) & (F.col("used") > F.col("reached"))
    steps = numbered.select(*key).join(incomplete, on="client_id", how="inner").where(~F.col("is_mark") | is_tail)
    in_order = Window.partitionBy("client_id").orderBy("number")
    begin = F.coalesce(F.lag("number").over(in_order) + 1, _none()).alias("begin")
    gaps = steps.select(*key, "used").distinct().select(*key, "used", begin).where(F.col("begin") < F.col("number"))
    first = F.min(F.struct("appended_at", "topic_id", "topic")).alias("first")
    shown = numbered.join(gaps, on=list(key), how="inner").groupBy(*key, "used", "begin").agg(first)
    return shown.select("client_id", "number", "used", "begin", "first.*")


def _unarrived(records: DataFrame, manifests: DataFrame) -> DataFrame:
    """What importers and replays announced and has not come; the simulation's clients have numbers."""
    announced = manifests.where(F.col("source") != "simulate")
    own = records.join(announced.select("manifest_id", "topic_id").distinct(), ["manifest_id", "topic_id"], "left_semi")
    names = ("manifest_id", "topic_id", "topic", "hour", "acknowledged", "in_doubt", "arrived")
    planned = announced.withColumn("arrived", _none()).select(*names)
    came = arrivals(own).withColumns({"acknowledged": _none(), "in_doubt": _none()}).select(*names)
    hours = (
        planned.unionByName(came)
        .groupBy("manifest_id", "topic_id", "hour")
        .agg(F.max("topic").alias("topic"), *(F.sum(name).alias(name) for name in names[4:]))
    )
    # What came beyond the acknowledged settles what is in doubt, the earliest plan first.
    whole = Window.partitionBy("manifest_id", "topic_id")
    until = whole.orderBy("hour").rowsBetween(Window.unboundedPreceding, Window.currentRow)
    surplus = F.sum(F.greatest(F.col("arrived") - F.col("acknowledged"), _none())).over(whole)
    open_doubt = F.greatest(F.sum("in_doubt").over(until) - surplus, _none())
    settled = hours.select(
        F.concat(F.lit("manifest:"), "manifest_id").alias("client_id"),
        "topic_id",
        "topic",
        F.col("hour").alias("appended_at"),
        F.least("in_doubt", open_doubt).alias("pending"),
        F.greatest(F.col("acknowledged") - F.col("arrived"), _none()).alias("lost"),
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
    return cells.select(*_CELL, "topic", *(F.col(n) if n in counts else _none().alias(n) for n in _COUNTS))


def _hour() -> Column:
    return F.date_trunc("hour", "appended_at")


def _none() -> Column:
    return F.lit(0).cast("bigint")
