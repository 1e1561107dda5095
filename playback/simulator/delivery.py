"""What becomes of playbacks on their way: which messages report them, with which numbers, and when each is sent."""

from dataclasses import fields
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from playback.simulator.audience import Audience
from playback.simulator.catalogue import Flags, Floats, Ints
from playback.simulator.chance import chances, happens
from playback.simulator.listening import Playbacks
from playback.simulator.malformed import kinds_of
from playback.simulator.parameters import Parameters

FAULTS = ("out_of_order", "late", "offline", "cross_device", "told_twice", "retries", "clock_skew", "lost")
"""What can be wrong with a message whose bytes are good; of several the last one is named."""

_NUMBERS = {name: place for place, name in enumerate(FAULTS, start=1)}
_SMALL = ("contexts", "seeks", "starts", "ends", "networks", "rebuffers")
_TYPES: dict[str, str] = dict.fromkeys(_SMALL, "u1") | {"skips": "?", "tracks": "u2", "ended_ms": "i8"}

MESSAGE = np.dtype(
    [
        ("sent_ms", "i8"),
        ("number", "i8"),
        ("sequence", "u4"),
        ("copy", "?"),
        ("twice", "u1"),
        ("shared", "?"),
        ("lost", "?"),
        ("json", "?"),
        ("kind", "u1"),
        ("fault", "u1"),
        *((field.name, _TYPES.get(field.name, "u4")) for field in fields(Playbacks) if field.name != "held_ms"),
    ]
)
"""A message and the playback it reports, as compact as it waits on disk.

`sent_ms`: since the history began. `number`: of the event. `copy`: by another installation than the one that played.
`twice`: FIRST, or BY_DEVICE or EXPORTED of the second one, where two events tell of the playback; else 0. `shared`:
other messages report the same event. `kind` of `playback.simulator.malformed` and `fault` of FAULTS are
counted from 1; 0: none.
"""

FIRST, BY_DEVICE, EXPORTED = range(1, 4)
"""Of two events that tell of a playback: the one of who played it, and the other one by its kind."""

SECOND_FROM = 1 << 61
"""Numbers of second events are those of the first ones from there on."""

Messages = npt.NDArray[np.void]

_SECOND_MS, _MINUTE_MS, _HOUR_MS = 1_000, 60_000, 3_600_000
_OVERTAKEN_MS = (10 * _SECOND_MS, 120 * _SECOND_MS)
_LATE_MS = (120 * _SECOND_MS, 72 * _HOUR_MS)
_RETRY_MS = (100, _HOUR_MS)
_COPY_MS = (1 * _SECOND_MS, 30 * _SECOND_MS)
_CONFLICTS = 0.4
_CONFLICT_MS = 2_000
_BY_DEVICE = 0.5
_OFF_MS = 12 * _SECOND_MS
"""How far off the clock of the other device is at most; most are off by less than two seconds."""


def deliver(parameters: Parameters, audience: Audience, playbacks: Playbacks, first_number: int) -> Messages:
    """The messages of playbacks (all those of their installations, by time of their end), by time of sending.

    `first_number` is that of the first playback; the others follow.
    """
    sent = _report(parameters, audience, playbacks, first_number)
    names = sent["number"] * 2 + sent["copy"]
    held_ms = sent["sent_ms"] - sent["ended_ms"]
    seed, faults = parameters.seed, parameters.faults
    sent["lost"] = happens(seed, "lost", names, faults.lost)
    malformed = happens(seed, "malformed", names, faults.malformed) & ~sent["lost"]
    sent["kind"] = np.where(malformed, kinds_of(chances(seed, "kind", names)), 0) if malformed.any() else 0
    sent["json"] = happens(seed, "json", names, faults.json)
    connected = held_ms == 0
    late = connected & happens(seed, "late", names, faults.late)
    overtaken = connected & ~late & happens(seed, "out_of_order", names, faults.out_of_order)
    chance = chances(seed, "delay", names) if late.any() or overtaken.any() else np.zeros(len(names))
    sent["sent_ms"] += np.select([late, overtaken], [_between(chance, _LATE_MS), _between(chance, _OVERTAKEN_MS)], 0)
    sent["sent_ms"] += np.where(sent["copy"], _between(chances(seed, "copy", names), _COPY_MS), 0)
    skews = audience.clock_skews_ms[sent["installs"]]
    happened = {"out_of_order": overtaken, "late": late, "offline": ~connected, "cross_device": sent["copy"]}
    happened["told_twice"] = sent["twice"] > FIRST
    _blame(sent, happened)
    retried = happens(seed, "retries", names, faults.retries) & ~sent["lost"]
    if retried.any():
        sent["shared"] |= retried
        again = sent[retried]
        again["sent_ms"] += _between(chances(seed, "retry", names[retried]), _RETRY_MS)
        _blame(again, {"retries": np.ones(len(again), np.bool_)})
        sent, skews = np.concatenate([sent, again]), np.concatenate([skews, skews[retried]])
    _blame(sent, {"clock_skew": skews != 0, "lost": sent["lost"]})
    return sent[np.argsort(sent["sent_ms"], kind="stable")]


def number_in_install(installs: Ints) -> Ints:
    """For each playback how many of the same installation come before it: its sequence, gap-free from 0."""
    order = np.argsort(installs, kind="stable")
    grouped = installs[order]
    first: Flags = np.concatenate([[True], grouped[1:] != grouped[:-1]])[: len(grouped)]
    begins = np.maximum.accumulate(np.where(first, np.arange(len(grouped)), 0))
    numbers = np.empty(len(installs), np.int64)
    numbers[order] = np.arange(len(grouped)) - begins
    return numbers


def _report(parameters: Parameters, audience: Audience, playbacks: Playbacks, first_number: int) -> Messages:
    """One message for each playback, and of those that are reported again one more of each kind right behind it."""
    seed, numbers = parameters.seed, first_number + np.arange(len(playbacks))
    counts = audience.install_counts[audience.install_listeners[playbacks.installs]]
    copied = happens(seed, "cross_device", numbers, parameters.faults.cross_device) & (counts > 1)
    twice = happens(seed, "told twice", numbers, parameters.faults.told_twice)
    reports = 1 + copied + twice
    source, first = np.repeat(np.arange(len(playbacks)), reports), np.cumsum(reports) - reports
    sent = np.zeros(len(source), MESSAGE)
    values: dict[str, Any] = vars(playbacks)
    for name in values.keys() & set(MESSAGE.names or ()):
        sent[name] = values[name][source]
    sent["number"], sent["shared"] = numbers[source], copied[source]
    copy = first[copied] + 1
    sent["copy"][copy] = True
    sent["installs"][copy] = _other_installs(seed, audience, sent[copy])
    conflict = copy[happens(seed, "conflict", sent["number"][copy], _CONFLICTS)]
    sent["ms_played"][conflict] = _less(seed, sent[conflict])
    sent["twice"][first[twice]] = FIRST
    second = (first + reports - 1)[twice]
    sent[second] = _told_again(parameters, audience, sent[second])
    sent["sequence"] = number_in_install(sent["installs"])
    sent["sent_ms"] = sent["ended_ms"] + playbacks.held_ms[source]
    return sent


def _told_again(parameters: Parameters, audience: Audience, sent: Messages) -> Messages:
    """Events of playbacks that another event tells of: by another device, else out of an export."""
    seed, numbers = parameters.seed, sent["number"].copy()
    others = _other_installs(seed, audience, sent)
    devices = audience.device_ids
    elsewhere = pc.not_equal(devices.take(pa.array(others)), devices.take(pa.array(sent["installs"])))
    by_device = elsewhere.to_numpy(zero_copy_only=False) & happens(seed, "by device", numbers, _BY_DEVICE)
    off = ((2 * chances(seed, "off", numbers) - 1) ** 3 * _OFF_MS).astype(np.int64)
    rounded = sent["ended_ms"] // _MINUTE_MS * _MINUTE_MS
    ended = np.clip(np.where(by_device, sent["ended_ms"] + off, rounded), 0, parameters.history_ms - 1)
    again = sent.copy()
    again["number"], again["shared"] = numbers + SECOND_FROM, False
    again["twice"] = np.where(by_device, BY_DEVICE, EXPORTED)
    again["installs"] = np.where(by_device, others, sent["installs"])
    again["ms_played"] = np.where(by_device, _less(seed, sent), sent["ms_played"])
    again["ended_ms"] = ended
    return again


def _less(seed: int, sent: Messages) -> Ints:
    """A little less than was heard."""
    less = (chances(seed, "less", sent["number"]) * _CONFLICT_MS).astype(np.int64)
    heard: Ints = np.maximum(sent["ms_played"].astype(np.int64) - less, 0)
    return heard


def _other_installs(seed: int, audience: Audience, copies: Messages) -> Ints:
    """For each copy another installation of the listener than the one that played, where there is one."""
    installs = copies["installs"].astype(np.int64)
    listeners = audience.install_listeners[installs]
    first, count = audience.first_installs[listeners], audience.install_counts[listeners]
    step = 1 + (chances(seed, "other", copies["number"]) * np.maximum(count - 1, 1)).astype(np.int64)
    return first + (installs - first + step) % count


def _blame(sent: Messages, happened: dict[str, Flags]) -> None:
    for name, rows in happened.items():
        sent["fault"][rows] = _NUMBERS[name]


def _between(chance: Floats, bounds: tuple[int, int]) -> Ints:
    """Milliseconds between the bounds, as often from 1 to 2 as from 10 to 20."""
    low, high = bounds
    return (low * (high / low) ** chance).astype(np.int64)
