"""A history in blocks: listeners next to each other, whose playbacks are made at once and alone."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from playback.simulator.audience import Audience
from playback.simulator.catalogue import Floats
from playback.simulator.parameters import Parameters

BLOCK_EVENTS = 500_000
"""Playbacks that are in memory at once."""

MEAN_SESSION = 12
"""Playbacks of a session in the mean."""

_SUPPLY = 1.2
_SUPPLY_SESSIONS = 50
"""More sessions are made than are needed, because some end after the history does."""


@dataclass(frozen=True)
class Block:
    """Some of the listeners, by `weights` from `first_listener` on, and what they play.

    Playbacks and sessions are numbered through all blocks; of the numbers of sessions not all are used.
    """

    number: int
    first_listener: int
    weights: Floats
    events: int
    first_event: int
    sessions: int
    first_session: int


def blocks(parameters: Parameters, audience: Audience, through: Floats, block_events: int) -> Iterator[Block]:
    """The history in blocks of about `block_events` playbacks, with exactly `parameters.events` in all.

    `through` says how much of everything is played before each day: who is there for half of it plays half as much.
    """
    weights = audience.activity * (through[audience.left_days] - through[audience.joined_days])
    count = max(1, min(-(-parameters.events // block_events), parameters.listeners))
    shares = np.concatenate([[0.0], np.cumsum(weights)])
    # By weight, not by number: a few listeners play so much that blocks of equal number would not be of equal size.
    bounds = np.searchsorted(shares, np.linspace(0, shares[-1], count + 1)[1:-1])
    bounds = np.unique(np.concatenate([[0], bounds, [parameters.listeners]]))
    played = np.round(shares[bounds] / shares[-1] * parameters.events).astype(np.int64)
    first_session = 0
    for number, (first, end) in enumerate(zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True)):
        events = int(played[number + 1] - played[number])
        sessions = int(events / MEAN_SESSION * _SUPPLY) + _SUPPLY_SESSIONS
        yield Block(number, first, weights[first:end], events, int(played[number]), sessions, first_session)
        first_session += sessions
