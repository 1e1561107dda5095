"""The past of the simulated service: sessions over some days, with a rhythm of day and week."""

import numpy as np

from playback.simulator.audience import Audience
from playback.simulator.catalogue import Catalogue, Ints
from playback.simulator.listening import (
    APPLOAD,
    BACKBTN,
    CLICKROW,
    FWDBTN,
    TRACKDONE,
    Flags,
    Heard,
    Playbacks,
    connect,
    listen,
    rebuffer,
)
from playback.simulator.parameters import Parameters
from schemas.errors import InputError

CONTEXTS = ("playlist", "album", "Discover Weekly", "radio", "artist", "search", "library")
CONTEXT_SHARES = (0.34, 0.14, 0.1, 0.14, 0.1, 0.06, 0.12)

_MEAN_LENGTH = 12
_SUPPLY = 1.2
_SUPPLY_SESSIONS = 50
"""More sessions are made than are needed, because some end after the history does."""
_MINUTE_MS = 60_000
_BREAK_MS = 5 * _MINUTE_MS


def make_history(parameters: Parameters, catalogue: Catalogue, audience: Audience) -> Playbacks:
    """Exactly `parameters.events` playbacks that ended within `parameters.days` days, by time of their end.

    Raises InputError when so few listeners cannot play so much in that time.
    """
    rng = np.random.default_rng([parameters.seed, 2])
    count = int(parameters.events / _MEAN_LENGTH * _SUPPLY) + _SUPPLY_SESSIONS
    lengths = rng.geometric(1 / _MEAN_LENGTH, count)
    listeners = rng.choice(len(audience.activity), count, p=audience.activity / audience.activity.sum())
    session = np.repeat(np.arange(count), lengths)
    positions = np.arange(len(session)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    last = positions == lengths[session] - 1
    heard = listen(rng, catalogue, audience, listeners[session], positions, last)
    elapsed = heard.ms_played + heard.paused_ms + rng.integers(200, 4_000, len(session))
    through = np.cumsum(elapsed)
    before = (through - elapsed)[positions == 0]
    busy = np.bincount(session, elapsed, count).astype(np.int64) + _BREAK_MS
    starts = _apart(_starts(rng, parameters.days, audience.utc_offsets[listeners]), listeners, busy)
    ended = starts[session] + through - before[session]
    installs = audience.pick_installs(listeners, rng.random(count))
    networks = connect(rng, audience.install_platforms[installs])[session]
    made = Playbacks(
        installs=installs[session],
        sessions=session,
        contexts=rng.choice(len(CONTEXTS), count, p=CONTEXT_SHARES)[session],
        ended_ms=ended,
        starts=_start_reasons(rng, heard, positions),
        networks=networks,
        rebuffers=rebuffer(rng, networks),
        **vars(heard),
    )
    # Sessions come in random order, so the first ones are a fair sample; cut off are only ends of sessions.
    within = np.flatnonzero(ended < parameters.history_ms)[: parameters.events]
    if len(within) < parameters.events:
        raise InputError(
            f"{parameters.listeners} listeners cannot play {parameters.events} tracks in {parameters.days} days: "
            "ask for fewer events, or for more listeners or days."
        )
    return made.take(within[np.argsort(ended[within], kind="stable")])


def number_in_install(installs: Ints) -> Ints:
    """For each playback how many of the same installation come before it: its sequence, gap-free from 0."""
    order = np.argsort(installs, kind="stable")
    grouped = installs[order]
    first: Flags = np.concatenate([[True], grouped[1:] != grouped[:-1]])[: len(grouped)]
    begins = np.maximum.accumulate(np.where(first, np.arange(len(grouped)), 0))
    numbers = np.empty(len(installs), np.int64)
    numbers[order] = np.arange(len(grouped)) - begins
    return numbers


def _starts(rng: np.random.Generator, days: int, utc_offsets: Ints) -> Ints:
    """When each session begins, in milliseconds since the history does: mostly mornings and evenings, more at weekends.

    The history ends at midnight; which of its days are a weekend is part of the seed, not of the calendar.
    """
    count = len(utc_offsets)
    weight = np.where((np.arange(days) + rng.integers(7)) % 7 >= 5, 1.3, 1.0)
    day = rng.choice(days, count, p=weight / weight.sum())
    part = rng.choice(4, count, p=[0.24, 0.16, 0.48, 0.12])
    peak, width = np.array([480, 765, 1200, 900])[part], np.array([75, 60, 140, 420])[part]
    local = day * 1440 + rng.normal(peak, width)
    return ((local - utc_offsets) % (days * 1440) * _MINUTE_MS).astype(np.int64)


def _apart(starts: Ints, listeners: Ints, busy: Ints) -> Ints:
    """The starts, put off where the same listener still is in an earlier session (`busy` is its length with a break).

    start'(i) = max over j ≤ i of (start(j) + busy of the sessions from j to i - 1): a running maximum per listener.
    """
    order = np.lexsort((starts, listeners))
    who, length = listeners[order], busy[order]
    first = np.concatenate([[True], who[1:] != who[:-1]])
    done = np.cumsum(length) - length
    done -= done[np.maximum.accumulate(np.where(first, np.arange(len(who)), 0))]
    free = starts[order] - done
    lane = np.cumsum(first) * (free.max() - free.min() + 1)
    put_off = np.empty_like(starts)
    put_off[order] = np.maximum.accumulate(free + lane) - lane + done
    return put_off


def _start_reasons(rng: np.random.Generator, heard: Heard, positions: Ints) -> Ints:
    """Why each playback began: as the one before it ended, and a session by hand."""
    before = np.concatenate([[TRACKDONE], heard.ends[:-1]])
    by_hand = np.where(rng.random(len(positions)) < 0.2, APPLOAD, CLICKROW)
    moved = (before == FWDBTN) | (before == BACKBTN)
    return np.where(positions == 0, by_hand, np.where(moved, before, TRACKDONE))
