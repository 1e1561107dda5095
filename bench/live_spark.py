"""Spark Structured Streaming's side of `bench.live`, in the project's environment."""

import tempfile
from collections.abc import Callable
from itertools import count as numbers
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from bench.live_cells import CELL
from bench.live_sinks import FILES
from bench.live_tonearm import settings_of
from bench.live_topic import TOPIC, WARM_TOPIC
from bench.measure import work
from infra.settings import Settings
from schemas.live import MINUTE_TRACK_PLAYS

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


def spark_side(home: str, bootstrap: str, kind: str, where: str, warm: str, jars: str) -> None:
    """All there is, to its end, first of another topic to warm the JVM and then for the measurement; two cores."""
    from pyspark.sql import SparkSession

    session = (
        SparkSession.builder.master("local[2]")
        .config("spark.jars", ",".join(map(str, Path(jars).glob("*.jar"))))
        .config("spark.driver.memory", "6g")
        .config("spark.driver.maxResultSize", "0")
        .config("spark.sql.shuffle.partitions", "2")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.ui.enabled", "false")
        .getOrCreate()
    )

    def counted(topic: str, to: str) -> None:
        with tempfile.TemporaryDirectory(prefix="bench-") as checkpoint:
            write = _to_files(to) if kind == FILES else _to_cassandra(settings_of(home, bootstrap, topic, kind, to))
            query = _cells(session, bootstrap, topic).writeStream.outputMode("update").foreachBatch(write)
            query.option("checkpointLocation", checkpoint).trigger(availableNow=True).start().awaitTermination()

    counted(WARM_TOPIC, warm)
    with work():
        counted(TOPIC, where)
    session.stop()


def _cells(session: "SparkSession", bootstrap: str, topic: str) -> "DataFrame":
    from pyspark.sql import functions as F
    from pyspark.sql.avro.functions import from_avro

    from playback.datums import writing_schema
    from playback.wire import HEADER_BYTES
    from schemas.events import CURRENT

    given = {"kafka.bootstrap.servers": bootstrap, "subscribe": topic, "startingOffsets": "earliest"}
    given["maxOffsetsPerTrigger"] = "1000000"
    datum = F.expr(f"substring(value, {HEADER_BYTES + 1})")
    events = session.readStream.format("kafka").options(**given).load()
    event = events.select(from_avro(datum, writing_schema(CURRENT)).alias("event")).select("event.*")
    long = F.col("ms_played") >= 30_000
    skipped = F.coalesce(F.col("outcome") == "skip", ~long)
    window = F.date_trunc("minute", "occurred_at").alias("window_start")
    return event.groupBy(window, F.coalesce("country", F.lit("ZZ")).alias("country"), "track_id").agg(
        F.sum(long.cast("long")).alias("play_count"),
        F.sum(skipped.cast("long")).alias("skip_count"),
        F.size(F.collect_set("user_id")).cast("long").alias("listener_count"),
    )


def _to_files(folder: str) -> Callable[[Any, int], None]:
    def write(rows: Any, number: int) -> None:
        rows.write.parquet(f"{folder}/{number:06d}.parquet")

    return write


def _to_cassandra(settings: Settings) -> Callable[[Any, int], None]:
    """By the pipeline's own writer: Spark has no connector of this version."""
    from infra.local.stack import endpoints
    from infra.serving_store.rows import write_rows
    from infra.serving_store.session import serving_session

    batches = numbers(1)

    def write(rows: Any, _number: int) -> None:
        cells: pa.Table = rows.toArrow().select(CELL.names).cast(CELL)
        with serving_session(settings, endpoints(settings, ("cassandra",))) as serving:
            write_rows(serving, MINUTE_TRACK_PLAYS, cells, next(batches))

    return write
