"""The live pipeline's side of `bench.live`: on Prism, to the peers' files or by its own writer to Cassandra."""

import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path

import apache_beam as beam
import pyarrow.parquet as pq

from bench.live_sinks import FILES
from bench.live_topic import TOPIC, WARM_TOPIC
from bench.measure import work
from infra.kafka.topics import topic_id
from infra.local.stack import endpoints
from infra.serving_store.live_runs import LiveRun
from infra.settings import Settings
from pipelines.options import LiveOptions
from pipelines.prism import job_service_options, local_prism
from pipelines.run import begin, playback_log
from pipelines.sinks import Stores, WriteLive
from pipelines.source import read_log
from pipelines.transforms.elements import Changes
from pipelines.transforms.live import LiveTables, Run
from schemas.live import MINUTE_TRACK_PLAYS

_LATENESS_SECONDS = 6 * 3_600
"""Nothing is late, however long the events lay in the topic and the sides before took."""
_LIMIT_SECONDS = 1_500.0
_written: Counter[str] = Counter()
"""Records behind what is in the sink, by run; Prism's worker is in this process."""


def tonearm_side(home: str, bootstrap: str, counts: list[int], kind: str, where: str, warm: str, tables: str) -> None:
    """Two runs, from the job's submission until the last record is in the sink: one to warm, one for the measurement.

    `counts`: the records of the two topics. `tables`: of `all` tables what is written goes to Cassandra, or of `one`,
    as the peers write it.
    """
    runs = ((WARM_TOPIC, warm), (TOPIC, where))
    for (topic, place), count in zip(runs, counts, strict=True):
        settings = settings_of(home, bootstrap, topic, kind, place)
        with local_prism(settings, LiveOptions.read([])) as address:
            pipeline = _pipeline(settings, address, kind, place, tables if topic == TOPIC else "one")
            with work() if topic == TOPIC else nullcontext():
                result = pipeline.run()
                _wait(partial(_has_written, topic, count))
            if _written[topic] != count:
                raise RuntimeError(f"{_written[topic]} of {count} records were written")
            if topic == TOPIC:
                # threads of Beam that have lost their runner would go on to complain
                os._exit(0)
            result.cancel()


def _pipeline(settings: Settings, address: str, kind: str, where: str, tables: str) -> beam.Pipeline:
    words = [*job_service_options(address), f"--lateness_seconds={_LATENESS_SECONDS}", "--bigquery_seconds=0"]
    options, topic = LiveOptions.read(words), settings.playback_topic
    if kind == FILES:
        stores = endpoints(settings, ("kafka",))
        live_run = LiveRun(topic_id(settings, stores.kafka_bootstrap, topic), 1, 0)
    else:
        stores = endpoints(settings, ("kafka", "cassandra"))
        live_run = begin(settings, stores, False)
    source = playback_log(settings, stores, live_run, options, topic)
    pipeline = beam.Pipeline(options=options)
    changes = pipeline | read_log(source) | LiveTables(Run(topic, 0, options.rules(), options.flush_seconds))
    if tables == "one":
        changes |= beam.Map(_of_one_table).with_output_types(Changes)
    if kind == FILES:
        written = changes | beam.ParDo(ToFiles(where)).with_output_types(Changes)
    else:
        written = changes | WriteLive(Stores(settings, stores, live_run, 0, options.rules()), topic)
    written | beam.Map(_count, topic).with_output_types(int)
    return pipeline


class ToFiles(beam.DoFn):
    """Writes the changed cells of one table to a file each time."""

    def __init__(self, folder: str) -> None:
        self._folder = folder

    def process(self, changes: Changes) -> Iterator[Changes]:
        cells = changes.rows.get(MINUTE_TRACK_PLAYS.full_name)
        if cells is not None:
            pq.write_table(cells, f"{self._folder}/{changes.number:06d}.parquet")
        yield changes


def _of_one_table(changes: Changes) -> Changes:
    kept = {name: rows for name, rows in changes.rows.items() if name == MINUTE_TRACK_PLAYS.full_name}
    return replace(changes, rows=kept, gone={})


def _count(changes: Changes, topic: str) -> int:
    _written[topic] += changes.records
    return changes.number


def _has_written(topic: str, count: int) -> bool:
    return _written[topic] >= count


def _wait(until: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _LIMIT_SECONDS
    while not until() and time.monotonic() < deadline:
        time.sleep(0.02)


def settings_of(home: str, bootstrap: str, topic: str, kind: str, where: str) -> Settings:
    """Settings of a side: the broker and the topic, and in `where` a Cassandra and its keyspace."""
    settings = Settings(home=Path(home), kafka_bootstrap=bootstrap, playback_topic=topic)
    if kind == FILES:
        return settings
    address, _, keyspace = where.partition("/")
    host, _, port = address.partition(":")
    own = {"cassandra_hosts": host, "cassandra_port": int(port), "cassandra_keyspace": keyspace}
    return settings.model_copy(update=own)
