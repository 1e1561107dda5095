"""Playbacks of the moment for the live pipeline, and what its tables must say of them, by code of their own.

The truth is what the topic holds: it is read again by a plain client, and every payload is looked up in what was sent.
"""

import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from fractions import Fraction
from math import floor
from struct import pack
from typing import Any

import pyarrow as pa
from confluent_kafka import Consumer, TopicPartition

from playback.arrow import event_schema
from playback.wire import HEADER_BYTES, encode
from schemas import model
from schemas.events import CURRENT, RELEASED
from tests.end_to_end.sender import Sender

SECOND = 1_000_000
Cell = tuple[int, str, str]
Standing = tuple[str, int, int, int, int, int, int, int | None]
"""Last track, when it ended and the session started (ms), playbacks, plays, skips, of them in a row, taste drift."""


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
    is_event: bool = True


@dataclass(frozen=True)
class Bounds:
    """The pipeline's options, in microseconds."""

    window: int = 5 * SECOND
    lateness: int = 3 * SECOND
    ahead: int = 2 * SECOND
    horizon: int = 48 * 3600 * SECOND
    session_gap: int = 5 * SECOND

    @property
    def options(self) -> list[str]:
        named = {"window": self.window, "lateness": self.lateness, "max_ahead": self.ahead}
        named["session_gap"] = self.session_gap
        return [f"--{name}_seconds={value // SECOND}" for name, value in named.items()]


@dataclass
class Truth:
    """What the live tables must say."""

    cells: dict[Cell, tuple[int, int, int]] = field(default_factory=dict)
    fates: dict[tuple[int, int], dict[str, int]] = field(default_factory=dict)
    letters: dict[tuple[int, int], bytes | None] = field(default_factory=dict)
    sessions: dict[tuple[int, str], Standing] = field(default_factory=dict)

    def total(self, fate: str) -> int:
        return sum(fates.get(fate, 0) for fates in self.fates.values())


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
        skip, ms = chance.random() < 0.3, chance.choice((200_000, 30_000, 29_999))
        row = dict.fromkeys((one.name for one in CURRENT.fields), None) | {
            "event_id": f"{chance.getrandbits(128):032x}",
            "source": "simulator",
            "user_id": user,
            "device_id": None if chance.random() < 0.1 else f"d-{user}",
            "occurred_at": datetime.fromtimestamp(ended / SECOND, UTC).replace(microsecond=ended % SECOND),
            "content_type": "episode" if chance.random() < 0.05 else "track",
            "track_id": track,
            "artist_name": artist or None,
            "country": chance.choice(("DE", "SE", "US", None)),
            "outcome": "skip" if skip else "play",
            "ms_played": ms,
        }
        is_music = row["content_type"] == "track"
        heard = (track if is_music else "", user, ms >= 30_000, skip, artist)
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


def truth(bootstrap: str, topic: str, sent: dict[bytes | None, Sent], bounds: Bounds) -> Truth:
    """Judge everything that is on the topic, one record at a time, in the order of the log."""
    found = Truth()
    users: dict[Cell, set[str]] = {}
    seen: set[str] = set()
    music: dict[str, list[Sent]] = {}
    for appended, partition, offset, payload in sorted(_records(bootstrap, topic)):
        one = sent[payload]
        fate = _fate(one, appended, bounds)
        if fate == "accepted" and one.event_id in seen:
            fate = "duplicate"
        if fate == "accepted":
            seen.add(one.event_id)
            if one.track:
                music.setdefault(one.user, []).append(one)
                cell = (one.ended // bounds.window * bounds.window, one.country, one.track)
                users.setdefault(cell, set()).add(one.user)
                plays, skips, _ = found.cells.get(cell, (0, 0, 0))
                found.cells[cell] = (plays + one.play, skips + one.skip, len(users[cell]))
        if fate == "dead_letter":
            found.letters[partition, offset] = payload
        minute = found.fates.setdefault((appended // (60 * SECOND) * 60 * SECOND, partition), {})
        minute[fate] = minute.get(fate, 0) + 1
    for user, heard in music.items():
        found.sessions |= {(window, user): standing for window, standing in _standings(heard, bounds)}
    return found


def _standings(heard: list[Sent], bounds: Bounds) -> Iterator[tuple[int, Standing]]:
    """How the session of one listener stands after each playback, with the window of that one."""
    session: list[Sent] = []
    in_a_row = 0
    for one in sorted(heard, key=lambda one: (one.ended, one.event_id)):
        ended = one.ended // 1_000
        if session and ended - session[-1].ended // 1_000 >= bounds.session_gap // 1_000:
            session, in_a_row = [], 0
        session.append(one)
        in_a_row = in_a_row + 1 if one.skip else 0
        counts = (len(session), sum(each.play for each in session), sum(each.skip for each in session), in_a_row)
        drift = _drift([each.artist for each in session if each.play and each.artist])
        yield one.ended // bounds.window * bounds.window, (one.track, ended, session[0].ended // 1_000, *counts, drift)


def _drift(artists: list[str]) -> int | None:
    """Half the sum of the differences between the shares, in per mille, rounded half up."""
    last, before = artists[-5:], artists[-20:-5]
    if not before:
        return None
    differences = [
        abs(Fraction(last.count(artist), len(last)) - Fraction(before.count(artist), len(before)))
        for artist in {*last, *before}
    ]
    return floor(1_000 * sum(differences) / 2 + Fraction(1, 2))


def _fate(one: Sent, appended: int, bounds: Bounds) -> str:
    if not one.is_event:
        return "dead_letter"
    if one.ended < appended - bounds.horizon:
        return "beyond_horizon"
    if one.ended > appended + bounds.ahead:
        return "ahead"
    over = (one.ended // bounds.window + 1) * bounds.window + bounds.lateness
    return "late" if appended > over else "accepted"


def _records(bootstrap: str, topic: str) -> Iterator[tuple[int, int, int, bytes | None]]:
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "truth", "enable.partition.eof": True})
    partitions = list(consumer.list_topics(topic, 10).topics[topic].partitions)
    consumer.assign([TopicPartition(topic, partition, 0) for partition in partitions])
    at_end = 0
    while at_end < len(partitions):
        for message in consumer.consume(1_000, 1.0):
            if message.error():
                at_end += 1
                continue
            yield message.timestamp()[1] * 1_000, message.partition(), message.offset(), message.value()
    consumer.close()
