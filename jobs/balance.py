"""The balance sheet: does every message that was sent come out at the other end, exactly once?

Per topic and hour of append, `sent = accepted + duplicate + dead letter + replayed + pending + lost`, from
`gold.event_balance`. The stages hold what that table cannot say of itself: that all our own producers sent is in the
ledger, and that what it counts has come through gold to the stores. What phones lose is reported and fails nothing;
what a broker acknowledged to us and is not in the ledger does.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from infra.kafka.manifests import Manifest
from infra.lake import Lake
from jobs.announced import Arrivals, announced_lines, arrived
from jobs.columns import count_where, exact_sum, is_mark
from jobs.sheet import Sheet, balance_rows, sheet_of
from jobs.stage_line import StageLine, compared
from jobs.store_counts import Cells, counted_in, counts_in_rows
from schemas import catalog
from schemas.gold import FATES

DAILY = ("gold.daily_track_plays", "gold.daily_user_plays")
"""Tables in which each day counts the music that was accepted of that day."""


@dataclass
class Balance(Sheet):
    """The whole sheet: its hours, and the stages around them."""

    stages: list[StageLine] = field(default_factory=list)

    @property
    def adds_up(self) -> bool:
        """Whether every line does."""
        return super().adds_up and all(line.adds_up for line in self.stages)

    def as_dict(self) -> dict[str, Any]:
        """For JSON; no client is named."""
        return super().as_dict() | {"stages": [asdict(line) | {"adds_up": line.adds_up} for line in self.stages]}


def balance(
    session: SparkSession,
    lake: Lake,
    before: Iterable[Manifest],
    after: Iterable[Manifest],
    stores: Mapping[tuple[str, str], Cells],
) -> Balance:
    """The sheet of what is in the lake and in `stores` (store and table → what is counted there).

    `before` and `after` are the manifests as read before and after the ingest.
    """
    sheet, announced = sheet_of(balance_rows(lake)), list(after)
    records = _read(session, lake, "bronze.playback_events").where(~is_mark())
    came = arrived(records, announced)
    stages = [*announced_lines(before, announced, came), _ledger_line(came, sheet), *_gold_lines(session, lake, stores)]
    return Balance(sheet.hours, sheet.clients_missing, stages)


def _ledger_line(came: Arrivals, sheet: Sheet) -> StageLine:
    """Every record in the ledger has one fate: also of a record that stands there twice, or no more."""
    fates = sum(sheet.total(name) for name in FATES if name not in ("pending", "lost"))
    return StageLine("bronze.playback_events", came.records, fates)


def _gold_lines(session: SparkSession, lake: Lake, stores: Mapping[tuple[str, str], Cells]) -> list[StageLine]:
    """From accepted playbacks to gold, and from the lake to each store."""
    plays, merged_plays = (_read(session, lake, f"silver.{name}") for name in ("plays", "merged_plays"))
    music, left_out, merged = _accepted(plays, merged_plays)
    published = dict.fromkeys([*DAILY, *(name for _, name in stores)])
    held = {name: counts_in_rows(catalog.table(name), _read(session, lake, name)) for name in published}
    gold = [compared(name, music, held[name], left_out, merged) for name in DAILY]
    return gold + [
        compared(f"{store} {name}, {counted_in(catalog.table(name))}", held[name], cells)
        for (store, name), cells in stores.items()
    ]


def _accepted(plays: DataFrame, merged_plays: DataFrame) -> tuple[Cells, int, int]:
    """`store_counts.PLAYBACKS` of music by day, how many plays are no music, and how many are told by another one."""
    merged = merged_plays.select("event_date", "event_id", F.lit(True).alias("is_merged"))
    told = plays.join(merged, on=["event_date", "event_id"], how="left").fillna(False, ["is_merged"])
    is_merged = F.col("is_merged")
    is_music = (F.col("content_type") == "track") & ~is_merged
    days = told.groupBy(F.col("event_date").cast("string").alias("day")).agg(
        count_where(is_music).alias("playback_count"),
        count_where(is_music & F.col("counts_as_play")).alias("play_count"),
        count_where(is_music & F.col("is_skip")).alias("skip_count"),
        exact_sum(F.when(is_music, F.col("ms_played")).otherwise(F.lit(0))).alias("played_ms"),
        count_where(~is_music & ~is_merged).alias("left_out"),
        count_where(is_merged).alias("merged"),
    )
    found = days.collect()
    music = {row["day"]: tuple(int(value) for value in row[1:5]) for row in found if row["playback_count"]}
    return music, sum(row["left_out"] for row in found), sum(row["merged"] for row in found)


def _read(session: SparkSession, lake: Lake, name: str) -> DataFrame:
    return session.read.format("delta").load(str(lake.path(catalog.table(name))))
