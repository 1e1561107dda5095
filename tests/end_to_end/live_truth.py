"""What the live tables must say of what is on the topic, by code of their own.

The truth is what the topic holds: it is read again by a plain client, and every payload is looked up in what was sent.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from math import floor

from confluent_kafka import Consumer, TopicPartition

from tests.end_to_end.live_service import SECOND, Sent

Cell = tuple[int, str, str]
Standing = tuple[str, int, int, int, int, int, int, int | None]
"""Last track, when it ended and the session started (ms), playbacks, plays, skips, of them in a row, taste drift."""


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
    velocity: dict[tuple[str, int, str], tuple[int, int, int, int]] = field(default_factory=dict)
    """By table, window and key: playbacks, plays, skips, and distinct tracks of a listener or listeners of the key."""

    def total(self, fate: str) -> int:
        return sum(fates.get(fate, 0) for fates in self.fates.values())


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
    found.velocity = _velocity([one for heard in music.values() for one in heard], bounds)
    return found


def charts(cells: dict[Cell, tuple[int, int, int]]) -> dict[tuple[str, int], list[tuple[int, str]]]:
    """Plays and track by position, of each country that has any and length of the chart: all cells are of one hour."""
    sums: dict[str, dict[str, int]] = {}
    for (_, country, track), (plays, _, _) in cells.items():
        if plays:
            of_country = sums.setdefault(country, {})
            of_country[track] = of_country.get(track, 0) + plays
    ranked = {
        country: sorted(((plays, track) for track, plays in found.items()), key=lambda one: (-one[0], one[1]))
        for country, found in sums.items()
    }
    return {(country, hours): found[:100] for country, found in ranked.items() for hours in (1, 24)}


def _velocity(heard: list[Sent], bounds: Bounds) -> dict[tuple[str, int, str], tuple[int, int, int, int]]:
    told: dict[tuple[str, int, str], list[tuple[Sent, str]]] = {}
    for one in heard:
        window = one.ended // bounds.window * bounds.window
        told.setdefault(("minute_user_plays", window, one.user), []).append((one, one.track))
        told.setdefault(("minute_track_totals", window, one.track), []).append((one, one.user))
        if one.device:
            told.setdefault(("minute_device_plays", window, one.device), []).append((one, one.user))
    return {
        key: (
            len(counted),
            sum(one.play for one, _ in counted),
            sum(one.skip for one, _ in counted),
            len({member for _, member in counted}),
        )
        for key, counted in told.items()
    }


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
