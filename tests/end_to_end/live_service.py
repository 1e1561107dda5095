"""Playbacks of the moment for the live pipeline: listeners who play now, as a service would hear of them."""

import random
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from struct import pack
from typing import Any

import pyarrow as pa

from playback.arrow import event_schema
from playback.wire import HEADER_BYTES, encode
from schemas import model
from schemas.events import CURRENT, RELEASED
from tests.end_to_end.sender import Sender

SECOND = 1_000_000


@dataclass(frozen=True)
class Sent:
    """What one payload says; times in microseconds. `is_event` is False where it is spoilt."""

    event_id: str
    ended: int
    country: str
    track: str
    user: str
    play: bool
    skip: bool
    artist: str = ""
    device: str = ""
    is_event: bool = True


class Service(Sender):
    """Listeners who play now: on time, late, from wrong clocks, twice and spoilt, until it is stopped.

    Clients are of both released versions, and some of them write the ids that `registered` gives the versions.
    """

    def __init__(self, bootstrap: str, topic: str, rate: int, seed: int, registered: dict[model.Event, int]) -> None:
        self.sent: dict[bytes | None, Sent] = {}
        super().__init__(bootstrap, topic, **{"linger.ms": 5})
        self._rate, self._chance = rate, random.Random(seed)
        self._recent: list[tuple[str, bytes]] = []
        self._registered = registered

    def repeat(self, other: "Service") -> None:
        """Send again, among its own, what another service has sent last."""
        self._recent += other._recent[-2_000:]

    def _play(self) -> None:
        while not self._stop.wait(0.1):
            events = [self._event() for _ in range(self._rate // 10)]
            for place, (row, sent) in enumerate(events):
                version = RELEASED[place % len(RELEASED)]
                (payload,) = encode(pa.RecordBatch.from_pylist([row], event_schema(version)), version).to_pylist()
                if place % 5 == 0:
                    payload = pack(">bI", 0, self._registered[version]) + payload[HEADER_BYTES:]
                self._send(row["user_id"], payload, sent)
            self._producer.poll(0)

    def _event(self) -> tuple[dict[str, Any], Sent]:
        chance = self._chance
        shift = chance.choices((-1, -20, -3 * 86_400, 10, 1), (90, 4, 2, 2, 2))[0]
        ended = time.time_ns() // 1_000 + int(shift * SECOND * chance.random())
        number = int(chance.paretovariate(0.7)) % 200
        user, track, artist = (
            f"{chance.randrange(300):032x}",
            f"t{number}",
            f"Artist {number % 60}" if number % 9 else "",
        )
        device = "" if chance.random() < 0.1 else f"d{int(user, 16) % 200}"
        skip, ms = chance.random() < 0.3, chance.choice((200_000, 30_000, 29_999))
        row = dict.fromkeys((one.name for one in CURRENT.fields), None) | {
            "event_id": f"{chance.getrandbits(128):032x}",
            "source": "simulator",
            "user_id": user,
            "device_id": device or None,
            "occurred_at": datetime.fromtimestamp(ended / SECOND, UTC).replace(microsecond=ended % SECOND),
            "content_type": "episode" if chance.random() < 0.05 else "track",
            "track_id": track,
            "artist_name": artist or None,
            "country": chance.choice(("DE", "SE", "US", None)),
            "outcome": "skip" if skip else "play",
            "ms_played": ms,
        }
        is_music = row["content_type"] == "track"
        heard = (track if is_music else "", user, ms >= 30_000, skip, artist, device)
        return row, Sent(row["event_id"], ended, row["country"] or "ZZ", *heard)

    def _send(self, user: str, payload: bytes, sent: Sent) -> None:
        kind = self._chance.random()
        if kind < 0.01:
            cut = self._chance.randrange(len(payload))
            payload = payload[:cut] if cut % 2 else payload + bytes([cut % 256])
            payload = payload if cut % 5 else pack(">bI", 0, 404) + payload
            sent = Sent("", 0, "", "", user, False, False, is_event=False)
        self.sent[payload] = sent
        self._produce(user, payload)
        if sent.is_event:
            self._recent.append((user, payload))
        if kind > 0.97:
            self._produce(*self._chance.choice(self._recent[-2_000:]))

    def _produce(self, user: str, payload: bytes) -> None:
        self._producer.produce(self._topic, payload, user)
