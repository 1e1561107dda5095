"""Which dead letters a replay is about, asked of the lake through the engine."""

import shutil
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import Column, DataFrame, SparkSession, Window
from pyspark.sql import functions as F

from infra.delta_writer import DeltaWriter
from infra.lake import Lake
from jobs.columns import count_where
from playback.repair import LETTERS
from schemas.bronze import DEAD_LETTERS, PLAYBACK_EVENTS, RECORD_KEY
from schemas.model import Table
from schemas.silver import PLAYS

_LETTERS = "replay.letters"
_MESSAGES = "replay.messages"
_READ_ROWS = 500
_BATCH_ROWS = 5_000
_BATCH_BYTES = 32 << 20


@dataclass(frozen=True)
class Seen:
    """Dead letters of one reason: all there ever were, and how many of them a later record has brought back."""

    letters: int
    replayed: int


class ReplayLetters:
    """The dead letters of one lake, and `messages`, the parquet file (`playback.replay.DECIDED`) of what is to be sent.

    Both are staged beside the tables; `clear` removes them.
    """

    def __init__(self, session: SparkSession, lake: Lake) -> None:
        self._session = session
        self._lake = lake
        self._staging = lake.root / "_staging"
        self.messages = self._staging / _MESSAGES / "messages.parquet"

    def seen(self) -> dict[str, Seen]:
        """Letters by reason."""
        counted = (
            self._letters()
            .groupBy("reason")
            .agg(F.count(F.lit(1)).alias("letters"), count_where(F.col("is_replayed")).alias("replayed"))
        )
        rows = {row["reason"]: Seen(row["letters"], row["replayed"]) for row in counted.collect()}
        return dict(sorted(rows.items()))

    def of(self, reasons: Collection[str], replayed: bool) -> Iterator[pa.RecordBatch]:
        """Letters of these reasons in the order of their arrival, that were (not) brought back, as LETTERS."""
        ledger = self._read(PLAYBACK_EVENTS).select(*RECORD_KEY, "key", "install_id", "sequence")
        chosen = self._letters().where(F.col("reason").isin(*reasons) & (F.col("is_replayed") == F.lit(replayed)))
        letters = chosen.join(ledger, on=list(RECORD_KEY), how="inner").orderBy("appended_at", *RECORD_KEY)
        DeltaWriter(self._session, self._lake).stage(_LETTERS, letters.select(*LETTERS.names))
        return _batches(self._staging / _LETTERS)

    def fates(self) -> dict[tuple[str, str], tuple[int, int]]:
        """Of `messages`, by reason and rule: new playbacks, and repeats of accepted ones or of each other."""
        sent = self._session.read.parquet(str(self.messages))
        accepted = self._read(PLAYS).select("event_id", F.lit(True).alias("is_accepted"))
        order = F.row_number().over(Window.partitionBy("event_id").orderBy("number"))
        told = sent.select("event_id", "reason", "rule", (order == 1).alias("is_first"))
        is_new = F.col("is_first") & F.col("is_accepted").isNull()
        counted = told.join(accepted, on="event_id", how="left").groupBy("reason", "rule")
        rows = counted.agg(count_where(is_new).alias("plays"), count_where(~is_new).alias("duplicates")).collect()
        return {(row["reason"], row["rule"]): (row["plays"], row["duplicates"]) for row in rows}

    def clear(self) -> None:
        """Remove what was staged."""
        for name in (_LETTERS, _MESSAGES):
            shutil.rmtree(self._staging / name, ignore_errors=True)

    def _letters(self) -> DataFrame:
        named = self._read(PLAYBACK_EVENTS).where(F.col("replay_of").isNotNull()).select("replay_of").distinct()
        letters = self._read(DEAD_LETTERS).withColumn("_name", _name())
        joined = letters.join(named, on=F.col("_name") == F.col("replay_of"), how="left")
        return joined.withColumn("is_replayed", F.col("replay_of").isNotNull())

    def _read(self, table: Table) -> DataFrame:
        return self._session.read.format("delta").load(str(self._lake.path(table)))


def _name() -> Column:
    """A record as the header `replay_of` names it."""
    return F.concat_ws("/", "topic_id", F.col("partition").cast("string"), F.col("offset").cast("string"))


def _batches(folder: Path) -> Iterator[pa.RecordBatch]:
    """What is staged there, in batches that are bounded in rows and bytes: a letter can be as large as a record."""
    waiting: list[pa.RecordBatch] = []
    for file in sorted(folder.glob("*.parquet")):
        for piece in pq.ParquetFile(file).iter_batches(_READ_ROWS, columns=LETTERS.names):
            waiting.append(piece.select(LETTERS.names).cast(LETTERS))
            if sum(map(len, waiting)) >= _BATCH_ROWS or sum(one.nbytes for one in waiting) >= _BATCH_BYTES:
                yield pa.concat_batches(waiting)
                waiting = []
    if waiting:
        yield pa.concat_batches(waiting)
