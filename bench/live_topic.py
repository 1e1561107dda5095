"""Topics for `bench.live` and its like: a broker with events of tracks, sent once and read by every side."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bench.data import live_world
from bench.live_cells import Totals, recounted
from infra.kafka.producer import PlaybackProducer
from infra.local.stack import local_stack
from infra.settings import Settings

RATE = 20_000
"""Events in a second of the log."""
TOPIC, WARM_TOPIC = "playback-events", "warm-events"
WARM_EVENTS = 200_000
_COUNTED = ["occurred_at", "country", "track_id", "user_id", "outcome", "ms_played"]


@dataclass(frozen=True)
class SentTopic:
    """A broker and its two topics: `count` events to measure with, whose cells add up to `expected`, and some to warm.

    `home`: a folder that sides may write to.
    """

    home: Path
    bootstrap: str
    count: int
    partitions: int
    expected: Totals

    @property
    def counts(self) -> tuple[int, int]:
        """Events of the topic that warms, and of the one that is measured."""
        return min(self.count, WARM_EVENTS), self.count


@contextmanager
def sent_topic(count: int, partitions: int) -> Iterator[SentTopic]:
    """Start a broker and send the events; they end now at the latest, so that none of them is ahead of its time."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        home = Path(folder)
        settings = Settings(home=home, playback_topic=TOPIC, playback_partitions=partitions)
        with local_stack(settings, ("kafka",)) as endpoints:
            warm = settings.model_copy(update={"playback_topic": WARM_TOPIC})
            _send(warm, endpoints.kafka_bootstrap, min(count, WARM_EVENTS))
            expected = _send(settings, endpoints.kafka_bootstrap, count)
            yield SentTopic(home, endpoints.kafka_bootstrap, count, partitions, expected)


def _send(settings: Settings, bootstrap: str, count: int) -> Totals:
    sent: list[pa.RecordBatch] = []
    with PlaybackProducer(settings, bootstrap, "simulate") as producer:
        for batch in events_of_tracks(count):
            producer.send(batch)
            sent.append(batch.select(_COUNTED))
    return recounted(pa.Table.from_batches(sent))


def events_of_tracks(count: int) -> Iterator[pa.RecordBatch]:
    """Playbacks of tracks that have an id, in the order in which they end, up to now."""
    from playback.simulator.events import live_second

    began = datetime.now(UTC).replace(microsecond=0) - timedelta(seconds=count / RATE * 1.2 + 60)
    world = live_world(began)
    sequences = np.zeros(len(world.audience.install_listeners), np.int64)
    left, second = count, 0
    while left:
        batch, sequences = live_second(world, second, RATE, sequences)
        chosen = batch.filter(pc.and_(pc.equal(batch["content_type"], "track"), batch["track_id"].is_valid()))
        yield chosen.slice(0, left)
        left, second = left - min(left, len(chosen)), second + 1
