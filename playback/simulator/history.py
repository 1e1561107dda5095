"""The past of the simulated service: sessions over some days, with a rhythm of day and week."""

from dataclasses import dataclass

import numpy as np

from playback.simulator.audience import UTC_OFFSETS, Audience
from playback.simulator.blocks import MEAN_SESSION, Block
from playback.simulator.catalogue import Catalogue, Flags, Floats, Ints
from playback.simulator.chance import chances
from playback.simulator.listening import (
    APPLOAD,
    BACKBTN,
    CLICKROW,
    FWDBTN,
    NONE,
    TRACKDONE,
    Heard,
    Playbacks,
    choose,
    connect,
    farm,
    listen,
    rebuffer,
)
from playback.simulator.parameters import Parameters
from schemas.errors import InputError

CONTEXTS = ("playlist", "album", "Discover Weekly", "radio", "artist", "search", "library")
CONTEXT_SHARES = (0.34, 0.14, 0.1, 0.14, 0.1, 0.06, 0.12)

_MINUTE_MS = 60_000
_DAY_MINUTES = 1_440
_BREAK_MS = 5 * _MINUTE_MS
_HELD_HOURS = (1, 46)
_BOT_SESSIONS_A_DAY = 20


@dataclass(frozen=True)
class Sessions:
    """Sessions as parallel arrays: whose, how many playbacks long, and what is odd about them.

    `asked_ms`: when the listener means to begin, in milliseconds since the history began; it can become later.
    """

    listeners: Ints
    lengths: Ints
    asked_ms: Ints
    bots: Flags
    loops: Flags
    offline: Flags

    def __len__(self) -> int:
        return len(self.lengths)


def make_history(parameters: Parameters, catalogue: Catalogue, audience: Audience, block: Block) -> Playbacks:
    """Exactly `block.events` playbacks that ended within `parameters.days` days, by time of their end.

    Raises InputError when so few listeners cannot play so much in that time.
    """
    rng = np.random.default_rng([parameters.seed, 2, block.number])
    sessions = _sessions(rng, parameters, audience, block)
    lengths, count = sessions.lengths, len(sessions)
    session = np.repeat(np.arange(count), lengths)
    begins = np.cumsum(lengths) - lengths
    positions = np.arange(len(session)) - begins[session]
    heard = _heard(rng, catalogue, audience, sessions, positions)
    elapsed = heard.ms_played + heard.paused_ms + rng.integers(200, 4_000, len(session))
    through = np.cumsum(elapsed)
    busy = np.bincount(session, elapsed, count).astype(np.int64) + _BREAK_MS
    starts = _apart(sessions.asked_ms, sessions.listeners, busy)
    ended = (starts - (through - elapsed)[begins])[session] + through
    installs = audience.pick_installs(sessions.listeners, rng.random(count))
    networks = np.where(sessions.offline, NONE, connect(rng, audience.install_platforms[installs]))[session]
    # What was played without a connection comes in one batch.
    released = ended[begins + lengths - 1] + (rng.uniform(*_HELD_HOURS, count) * 60 * _MINUTE_MS).astype(np.int64)
    made = Playbacks(
        installs=installs[session],
        sessions=block.first_session + session,
        contexts=rng.choice(len(CONTEXTS), count, p=CONTEXT_SHARES)[session],
        ended_ms=ended,
        held_ms=np.where(sessions.offline[session], released[session] - ended, 0),
        starts=_start_reasons(rng, heard, positions),
        networks=networks,
        rebuffers=rebuffer(rng, networks),
        **vars(heard),
    )
    # Sessions come in random order, so the first ones are a fair sample; cut off are only ends of sessions.
    within = np.flatnonzero(ended < parameters.history_ms)[: block.events]
    if len(within) < block.events:
        raise InputError(
            f"{parameters.listeners} listeners cannot play {parameters.events} tracks in {parameters.days} days: "
            "ask for fewer events, or for more listeners or days."
        )
    return made.take(within[np.argsort(ended[within], kind="stable")])


def rhythm(parameters: Parameters) -> Floats:
    """How much of everything is played before each day begins, and at the end: shape (days + 1).

    There is more at weekends. Which days these are is part of the seed, not of the calendar.
    """
    weekday = int(chances(parameters.seed, "weekday", np.zeros(1, np.int64))[0] * 7)
    weight = np.where((np.arange(parameters.days) + weekday) % 7 >= 5, 1.3, 1.0)
    return np.concatenate([[0.0], np.cumsum(weight / weight.sum())])


def _sessions(rng: np.random.Generator, parameters: Parameters, audience: Audience, block: Block) -> Sessions:
    faults, count = parameters.faults, block.sessions
    chosen = block.first_listener + rng.choice(len(block.weights), count, p=block.weights / block.weights.sum())
    bots = rng.random(count) < faults.bots
    accounts = 1 + int(faults.bots * count / (_BOT_SESSIONS_A_DAY * parameters.days))
    farmed = block.first_listener + rng.permutation(len(block.weights))[:accounts]
    listeners = np.where(bots, farmed[rng.integers(len(farmed), size=count)], chosen)
    return Sessions(
        listeners=listeners,
        lengths=rng.geometric(1 / MEAN_SESSION, count),
        asked_ms=_starts(rng, parameters, audience, listeners, bots),
        bots=bots,
        loops=~bots & (rng.random(count) < faults.loops),
        offline=rng.random(count) < faults.offline,
    )


def _heard(
    rng: np.random.Generator, catalogue: Catalogue, audience: Audience, sessions: Sessions, positions: Ints
) -> Heard:
    lengths = sessions.lengths
    session = np.repeat(np.arange(len(sessions)), lengths)
    listeners = sessions.listeners[session]
    choice = choose(rng, catalogue, audience, listeners, sessions.asked_ms[session])
    places = np.arange(len(session))
    choice = choice.take(np.where(sessions.loops[session], places - positions, places))
    heard = listen(rng, catalogue, audience, listeners, choice, positions, positions == lengths[session] - 1)
    if not sessions.bots.any():
        return heard
    return farm(rng, catalogue, heard, positions, sessions.bots[session])


def _starts(rng: np.random.Generator, parameters: Parameters, audience: Audience, listeners: Ints, bots: Flags) -> Ints:
    """When each session is to begin, in milliseconds since the history does: mostly mornings and evenings.

    The history ends at midnight in UTC; nobody begins before joining or after leaving. Bots know no time of day.
    """
    count, through = len(listeners), rhythm(parameters)
    low, high = through[audience.joined_days[listeners]], through[audience.left_days[listeners]]
    day = np.searchsorted(through, low + rng.random(count) * (high - low), side="right") - 1
    day = np.minimum(day, audience.left_days[listeners] - 1)
    part = rng.choice(4, count, p=[0.24, 0.16, 0.48, 0.12])
    peak, width = np.array([480, 765, 1200, 900])[part], np.array([75, 60, 140, 420])[part]
    homes = audience.countries_at(listeners, day * _DAY_MINUTES * _MINUTE_MS)
    local = np.where(bots, rng.uniform(0, _DAY_MINUTES, count), rng.normal(peak, width) - UTC_OFFSETS[homes])
    # The minute of the day stays what it is, and the day one on which the listener is there.
    day = np.clip(day + local // _DAY_MINUTES, audience.joined_days[listeners], audience.left_days[listeners] - 1)
    starts: Ints = ((day * _DAY_MINUTES + local % _DAY_MINUTES) * _MINUTE_MS).astype(np.int64)
    return starts


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
