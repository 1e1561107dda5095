"""Kafka → ledger: the ingest job and the reader under it, on events that the real broker of a local stack holds.

The broker's own CPU is not part of the figures: it is another process, which serves any reader.
"""

import shutil
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from bench.data import events
from bench.measure import Cost, measure_side, work
from bench.results import QUICK, Options, Result, repeated, results

TOPIC = "playback-events"
PARTITIONS = 4


def run(options: Options) -> list[Result]:
    from infra.kafka.producer import PlaybackProducer
    from infra.local.stack import local_stack
    from infra.settings import Settings

    count = 200_000 if options.size == QUICK else 2_000_000
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        settings = Settings(home=Path(folder), playback_topic=TOPIC, playback_partitions=PARTITIONS)
        with local_stack(settings, ("kafka",)) as endpoints:
            with PlaybackProducer(settings, endpoints.kafka_bootstrap, "simulate") as producer:
                for batch in events(count):
                    producer.send(batch)
            arguments = {"home": folder, "bootstrap": endpoints.kafka_bootstrap}
            costs = repeated({name: _side(name, arguments, count) for name in ("read", "ingest")}, options.repeat)
    notes = {"read": "read_range of each partition in turn", "ingest": "jobs.ingest on sail, committed"}
    return results("ingest", costs, count, "events", notes)


def _side(name: str, arguments: dict[str, Any], count: int) -> Callable[[], Cost]:
    return partial(measure_side, f"bench.ingest:{name}_side", arguments | {"count": count})


def read_side(home: str, bootstrap: str, count: int) -> None:
    # pyarrow does so at its first array, which is no part of reading.
    import pandas  # type: ignore[import-untyped] # noqa: F401

    from infra.kafka.offsets import offset_bounds
    from infra.kafka.records import OffsetRange, read_range

    consumer = {"bootstrap.servers": bootstrap}
    with work():
        ranges = offset_bounds(consumer, TOPIC).items()
        found = sum(
            batch.num_rows
            for partition, (start, end) in ranges
            for batch in read_range(TOPIC, OffsetRange(partition, start, end), consumer)
        )
    assert found == count


def ingest_side(home: str, bootstrap: str, count: int) -> None:
    from infra.engine import open_session
    from infra.kafka.topics import topic_id
    from infra.lake import Lake
    from infra.settings import Settings
    from jobs.ingest import Topic, ingest
    from schemas.bronze import PLAYBACK_EVENTS

    settings = Settings(home=Path(home))
    shutil.rmtree(settings.lake, ignore_errors=True)
    lake = Lake(settings.lake)
    topic = Topic(TOPIC, topic_id(settings, bootstrap, TOPIC), {"bootstrap.servers": bootstrap})
    with open_session(settings) as session, work():
        ingest(session, lake, topic)
    assert lake.row_count(PLAYBACK_EVENTS) == count
