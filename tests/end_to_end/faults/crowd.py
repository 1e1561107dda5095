"""A crowd that plays as fast as is asked: events of the moment by the batch, and how many of what kind were sent."""

import time
import uuid
from collections import Counter

import numpy as np
import pyarrow as pa

from playback.arrow import event_schema
from playback.wire import encode
from schemas.events import CURRENT
from tests.end_to_end.sender import Sender

LISTENERS, TRACKS, COUNTRIES = 2_000, 500, ("DE", "SE", "US", "FR")
TICK_SECONDS = 0.1
AGAIN, SPOILT = 0.01, 0.005
"""Shares that are sent twice, and that are no events."""


class Crowd(Sender):
    """Sends `rate` events a second from a thread of its own until it is stopped, and counts them."""

    def __init__(self, bootstrap: str, topic: str, rate: int) -> None:
        super().__init__(bootstrap, topic, **{"linger.ms": 20})
        self.sent: Counter[str] = Counter()
        self.behind = 0.0
        """Seconds by which the crowd itself was behind its rate at most."""
        self._size = int(rate * TICK_SECONDS)
        self._chance, self._name = np.random.default_rng(6), uuid.uuid4().hex
        self._users = pa.array([f"{number:032x}" for number in range(LISTENERS)])
        self._devices = pa.array([f"d{number}" for number in range(LISTENERS)])
        self._tracks = pa.array([f"t{number}" for number in range(TRACKS)])

    def _play(self) -> None:
        next_tick = time.monotonic()
        while not self._stop.is_set():
            self._send(*self._events())
            next_tick += TICK_SECONDS
            pause = next_tick - time.monotonic()
            self.behind = max(self.behind, -pause)
            self._stop.wait(max(0.0, pause))

    def _events(self) -> tuple[list[str], list[bytes]]:
        count, draw = self._size, self._chance.integers
        users = pa.array(draw(0, LISTENERS, count))
        is_play = draw(0, 10, count) < 7
        first = self.sent["events"]
        columns = dict.fromkeys((one.name for one in CURRENT.fields), None) | {
            "event_id": pa.array([f"{self._name}-{number}" for number in range(first, first + count)]),
            "source": pa.repeat("simulator", count),
            "user_id": self._users.take(users),
            "device_id": self._devices.take(users),
            "occurred_at": pa.repeat(pa.scalar(time.time_ns() // 1_000, pa.timestamp("us", "UTC")), count),
            "content_type": pa.repeat("track", count),
            "track_id": self._tracks.take(pa.array(draw(0, TRACKS, count))),
            "country": pa.array(COUNTRIES).take(pa.array(draw(0, len(COUNTRIES), count))),
            "outcome": pa.array(np.where(is_play, "play", "skip")),
            "ms_played": pa.repeat(200_000, count),
        }
        schema = event_schema(CURRENT)
        filled = [
            pa.nulls(count, field.type) if columns[field.name] is None else columns[field.name].cast(field.type)
            for field in schema
        ]
        payloads = encode(pa.RecordBatch.from_arrays(filled, schema=schema)).to_pylist()
        self.sent.update(events=count, skips=int((~is_play).sum()))
        return columns["user_id"].to_pylist(), payloads

    def _send(self, users: list[str], payloads: list[bytes]) -> None:
        again, spoilt = int(len(users) * AGAIN), int(len(users) * SPOILT)
        everything = [
            *zip(users, payloads, strict=True),
            *zip(users[:again], payloads[:again], strict=True),
            *((user, payload[:-1]) for user, payload in zip(users[:spoilt], payloads[:spoilt], strict=True)),
        ]
        for user, payload in everything:
            while True:
                try:
                    self._producer.produce(self._topic, payload, user)
                    break
                except BufferError:
                    self._producer.poll(0.1)
        self._producer.poll(0)
        self.sent.update(again=again, spoilt=spoilt)
