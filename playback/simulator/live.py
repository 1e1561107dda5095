"""The present of the simulated service: what is played in each second after the history."""

import numpy as np

from playback.simulator.audience import UTC_OFFSETS, Audience
from playback.simulator.catalogue import Catalogue
from playback.simulator.history import CONTEXT_SHARES, CONTEXTS
from playback.simulator.listening import TRACKDONE, Playbacks, choose, connect, listen, rebuffer
from playback.simulator.parameters import Parameters

SECOND_MS = 1_000

_SESSION_SECONDS = 1_800
_SESSIONS_FROM = 1 << 40
"""Numbers of live sessions begin far above those of the history."""
_NIGHT, _DAY = 0.25, 1.0


def make_second(
    parameters: Parameters, catalogue: Catalogue, audience: Audience, second: int, rate: float
) -> Playbacks:
    """The playbacks that end within one second, counted from the end of the history, by time of their end.

    `rate` is playbacks a second; a fraction is spread over the seconds. The same second gives the same playbacks.
    """
    rng = np.random.default_rng([parameters.seed, 3, second])
    count = int(rate * (second + 1)) - int(rate * second)
    now_ms = parameters.history_ms + second * SECOND_MS
    homes = audience.countries_at(np.arange(len(audience.countries)), now_ms)
    hours = (second // 60 + UTC_OFFSETS[homes]) // 60 % 24
    here = audience.left_days >= parameters.days
    awake = audience.activity * here * np.where(hours < 6, _NIGHT, _DAY)
    listeners = rng.choice(len(awake), count, p=awake / awake.sum())
    installs = audience.pick_installs(listeners, rng.random(count))
    positions = rng.geometric(1 / 12, count) - 1
    choice = choose(rng, catalogue, audience, listeners, now_ms)
    heard = listen(rng, catalogue, audience, listeners, choice, positions, rng.random(count) < 1 / 12)
    networks = connect(rng, audience.install_platforms[installs])
    return Playbacks(
        installs=installs,
        sessions=_SESSIONS_FROM + second // _SESSION_SECONDS * len(audience.install_listeners) + installs,
        contexts=rng.choice(len(CONTEXTS), count, p=CONTEXT_SHARES),
        ended_ms=now_ms + np.sort(rng.integers(SECOND_MS, size=count)),
        held_ms=np.zeros(count, np.int64),
        starts=np.full(count, TRACKDONE),
        networks=networks,
        rebuffers=rebuffer(rng, networks),
        **vars(heard),
    )
