"""Sides of `bench.live` in the project's environment: the pipeline on Prism, and Spark Structured Streaming."""

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import apache_beam as beam
import pyarrow as pa
import pyarrow.parquet as pq

from bench.live_cells import CELL, last_say
from bench.measure import work
from pipelines.transforms.elements import _STATES, Changes
from schemas.live import MINUTE_TRACK_PLAYS

_LATENESS_SECONDS = 3_600
"""Nothing is late, however long the events lay in the topic and the sides before took."""
_LIMIT_SECONDS = 600.0
_written = [0]


class ToFiles(beam.DoFn):
    """Writes the changed cells of one table to a file each time; `_written` counts the records behind them."""

    def __init__(self, folder: str) -> None:
        self._folder = folder

    def process(self, changes: Changes) -> Iterator[int]:
        cells = changes.rows.get(MINUTE_TRACK_PLAYS.full_name)
        if cells is not None:
            pq.write_table(cells, f"{self._folder}/{changes.number:06d}.parquet")
        _written[0] += changes.records
        yield changes.number


def tonearm_side(home: str, bootstrap: str, topic: str, count: int, expected: list[int]) -> None:
    """From when the first batch is decoded, so that all is warm, until the last record is in a file."""
    from apache_beam.io.unbounded_source import ReadFromUnboundedSource

    from infra.kafka.topics import topic_id
    from infra.local.stack import endpoints
    from infra.serving_store.live_runs import LiveRun
    from infra.settings import Settings
    from pipelines.options import LiveOptions
    from pipelines.prism import job_service_options, local_prism
    from pipelines.run import playback_log
    from pipelines.transforms.live import LiveTables, Run

    settings = Settings(home=Path(home), playback_topic=topic)
    live_run = LiveRun(topic_id(settings, bootstrap, topic), 1, 0)
    prism = local_prism(settings, LiveOptions.read([]))
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, prism as address:
        words = [*job_service_options(address), f"--lateness_seconds={_LATENESS_SECONDS}"]
        options = LiveOptions.read(words)
        source = playback_log(settings, endpoints(settings, ("kafka",)), live_run, options, "bench")
        pipeline = beam.Pipeline(options=options)
        read = ReadFromUnboundedSource(source, 0.1, max_records_per_bundle=8, max_read_time_seconds=2.0)
        changes = pipeline | read | LiveTables(Run("bench", 0, options.rules(), options.flush_seconds))
        changes | beam.ParDo(ToFiles(folder)).with_output_types(int)
        pipeline.run()
        _wait(_is_warm)
        with work():
            _wait(lambda: _written[0] >= count)
        assert _written[0] == count, f"{_written[0]} of {count} records were written"
        found = last_say(pa.concat_tables(pq.read_table(one).cast(CELL) for one in sorted(Path(folder).iterdir())))
    if found != tuple(expected):
        raise RuntimeError(f"The pipeline says {found} where a recount says {expected}.")
    # threads of Beam that have lost their runner would go on to complain
    os._exit(0)


def _is_warm() -> bool:
    """Whether the pipeline's second step has begun in this process, where Prism's worker is."""
    return bool(_STATES)


def _wait(until: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _LIMIT_SECONDS
    while not until() and time.monotonic() < deadline:
        time.sleep(0.02)


def spark_side(bootstrap: str, topic: str, expected: list[int], jars: str, **_: object) -> None:
    """All there is, to its end, once to warm the JVM and then for the measurement; two cores."""
    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql import functions as F
    from pyspark.sql.avro.functions import from_avro

    from playback.datums import writing_schema
    from playback.wire import HEADER_BYTES
    from schemas.events import CURRENT

    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        session = (
            SparkSession.builder.master("local[2]")
            .config("spark.jars", ",".join(map(str, Path(jars).glob("*.jar"))))
            .config("spark.driver.memory", "3g")
            .config("spark.sql.shuffle.partitions", "2")
            .config("spark.sql.session.timeZone", "UTC")
            .config("spark.ui.enabled", "false")
            .getOrCreate()
        )
        given = {"kafka.bootstrap.servers": bootstrap, "subscribe": topic, "startingOffsets": "earliest"}
        datum = F.expr(f"substring(value, {HEADER_BYTES + 1})")
        events = session.readStream.format("kafka").options(**given).load()
        event = events.select(from_avro(datum, writing_schema(CURRENT)).alias("event")).select("event.*")
        long = F.col("ms_played") >= 30_000
        skipped = F.coalesce(F.col("outcome") == "skip", ~long)
        window = F.date_trunc("minute", "occurred_at").alias("window_start")
        cells = event.groupBy(window, F.coalesce("country", F.lit("ZZ")).alias("country"), "track_id").agg(
            F.sum(long.cast("long")).alias("play_count"),
            F.sum(skipped.cast("long")).alias("skip_count"),
            F.size(F.collect_set("user_id")).cast("long").alias("listener_count"),
        )

        def count(where: Path) -> None:
            def write(rows: DataFrame, number: int) -> None:
                rows.write.parquet(f"{where}/{number:06d}.parquet")

            query = cells.writeStream.outputMode("update").foreachBatch(write).trigger(availableNow=True)
            query.option("checkpointLocation", f"{where}-checkpoint").start().awaitTermination()

        count(Path(folder) / "warm")
        with work():
            count(Path(folder) / "cells")
        written = [pq.read_table(one).cast(CELL) for one in sorted((Path(folder) / "cells").iterdir())]
        found = last_say(pa.concat_tables(written))
        session.stop()
    if found != tuple(expected):
        raise RuntimeError(f"Spark says {found} where a recount says {expected}.")
