"""The live pipeline on Prism beside native engines: the same topic, the same aggregation, the same cheap sink.

Topic: Avro events of tracks, sent beforehand. Aggregation: plays, skips and exact distinct listeners by minute, country
and track. Sink: changed cells are written to files, from which each side's last say is read and held against a recount.
The pipeline does more than that: it validates, deduplicates, orders by append time, keeps all other live tables and
carries sessions; what it writes of them is dropped. The peers do not deduplicate, since nothing is there twice.

`TONEARM_BENCH_PARTITIONS` (1,4) and `TONEARM_BENCH_EVENTS` (1000000) choose other sizes, such as 1,4,16 and 10000000.
Bytewax runs where `TONEARM_BENCH_BYTEWAX` names a Python that has it, and Spark where `TONEARM_BENCH_SPARK_JARS` names
a folder with its Kafka and Avro connectors (docs/benchmarks.md says which).
"""

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bench.data import live_world
from bench.live_cells import CELL, Totals, recounted
from bench.measure import ROOT, Cost, measure, measure_side
from bench.results import QUICK, Options, Result, repeated, results
from playback.arrow import arrow_schema
from schemas.live import MINUTE_TRACK_PLAYS

TOPIC = "playback-events"
RATE = 20_000
"""Events in a second of the log."""


def run(options: Options) -> list[Result]:
    count = int(os.environ.get("TONEARM_BENCH_EVENTS", "100000" if options.size == QUICK else "1000000"))
    found: list[Result] = []
    for partitions in map(int, os.environ.get("TONEARM_BENCH_PARTITIONS", "1,4").split(",")):
        with _topic(count, partitions) as (arguments, expected):
            costs = repeated(_sides(arguments | {"expected": expected}), options.repeat)
        measured = results(f"live, {partitions} partitions", costs, count, "events")
        found += measured
    return found


def _sides(arguments: dict[str, Any]) -> dict[str, Callable[[], Cost]]:
    sides: dict[str, Callable[[], Cost]] = {
        "tonearm, all live tables": partial(measure_side, "bench.live_sides:tonearm_side", arguments)
    }
    if jars := os.environ.get("TONEARM_BENCH_SPARK_JARS"):
        spark = arguments | {"jars": str(Path(jars).resolve())}
        sides["spark, one table"] = partial(measure_side, "bench.live_sides:spark_side", spark)
    if python := os.environ.get("TONEARM_BENCH_BYTEWAX"):
        sides["bytewax, one table"] = partial(_bytewax, python, arguments)
    return sides


def _bytewax(python: str, arguments: dict[str, Any]) -> Cost:
    from bench.live_cells import last_say
    from playback.datums import writing_schema
    from schemas.events import CURRENT

    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        schema, cells = Path(folder) / "event.avsc", Path(folder) / "cells.jsonl"
        schema.write_text(writing_schema(CURRENT), encoding="utf-8")
        script = ROOT / "bench" / "bytewax_side.py"
        cost = measure([python, str(script), arguments["bootstrap"], TOPIC, str(schema), str(cells)], {})
        assert last_say(pa.concat_tables(_lines(cells))) == tuple(arguments["expected"])
    return cost


def _lines(path: Path) -> list[pa.Table]:
    import pyarrow.json as pj

    return [pj.read_json(path).cast(CELL)]


@contextmanager
def _topic(count: int, partitions: int) -> Iterator[tuple[dict[str, Any], Totals]]:
    """A broker with so many events of the last minutes; what sides need to know, and what they must find."""
    from infra.kafka.producer import PlaybackProducer
    from infra.local.stack import local_stack
    from infra.settings import Settings

    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        settings = Settings(home=Path(folder), playback_topic=TOPIC, playback_partitions=partitions)
        with local_stack(settings, ("kafka",)) as endpoints:
            sent: list[pa.RecordBatch] = []
            with PlaybackProducer(settings, endpoints.kafka_bootstrap, "simulate") as producer:
                for batch in _events(count):
                    producer.send(batch)
                    sent.append(batch.select(["occurred_at", "country", "track_id", "user_id", "outcome", "ms_played"]))
            arguments = {"home": folder, "bootstrap": endpoints.kafka_bootstrap, "topic": TOPIC, "count": count}
            yield arguments, recounted(pa.Table.from_batches(sent))


def _events(count: int) -> Iterator[pa.RecordBatch]:
    """Playbacks of tracks that have an id, in the order in which they end, from two minutes ago on."""
    from playback.simulator.events import live_second

    world = live_world(datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=2))
    sequences = np.zeros(len(world.audience.install_listeners), np.int64)
    left, second = count, 0
    while left:
        batch, sequences = live_second(world, second, RATE, sequences)
        chosen = batch.filter(pc.and_(pc.equal(batch["content_type"], "track"), batch["track_id"].is_valid()))
        yield chosen.slice(0, left)
        left, second = left - min(left, len(chosen)), second + 1


assert CELL.names == arrow_schema(MINUTE_TRACK_PLAYS.fields).names
