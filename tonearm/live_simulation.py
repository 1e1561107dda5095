"""Play the present of the simulated service to Kafka, second by second, after its history."""

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from infra import failpoints
from infra.kafka.manifests import Manifest
from infra.kafka.producer import PlaybackProducer
from infra.replace_file import replace_file
from infra.settings import Settings
from playback.simulator.catalogue import Ints
from playback.simulator.events import live_second, sequences_after_history
from tonearm.simulation import Simulation, damaged, keep, world_of


@dataclass(frozen=True)
class LiveState:
    """How far the present was played: `second` was planned at `rate` when `sequences` were the next ones."""

    second: int
    rate: float
    sequences: Ints


def play_live(
    settings: Settings,
    kafka_bootstrap: str,
    simulation: Simulation,
    rate: float,
    stop: threading.Event,
    on_second: Callable[[int], None] | None = None,
) -> Manifest:
    """Play `rate` events a second in real time until `stop` is set; `on_second` gets the events sent so far.

    Each second is planned on disk before it is sent, so that a run after a kill sends it again, the same events, and
    no installation's sequence has a gap. Seconds in which nobody played are not made up for.
    """
    world = world_of(settings, simulation)
    path = settings.home / "simulation-live.json"
    state = _read_live(path) or LiveState(0, 0.0, sequences_after_history(world))
    keep(settings.home, simulation)
    sent = 0
    with PlaybackProducer(settings, kafka_bootstrap, "simulate", f"{simulation.subject}:live") as producer:
        while True:
            events, after = live_second(world, state.second, state.rate, state.sequences)
            if events.num_rows:
                producer.send(events)
                sent += events.num_rows
                if on_second:
                    on_second(sent)
            failpoints.reach("simulate.second-sent")
            second = max(state.second + 1, _second_now(simulation))
            if stop.wait(_until_over(simulation, second)):
                break
            state = LiveState(second, rate, after)
            _write_live(path, state)
        # Nothing is left to be sent again: a second without events says so.
        _write_live(path, LiveState(state.second, 0.0, after))
    return producer.manifest


def _second_now(simulation: Simulation) -> int:
    return int((datetime.now(UTC) - simulation.anchor) / timedelta(seconds=1))


def _until_over(simulation: Simulation, second: int) -> float:
    """Seconds of waiting until that second after the anchor is over, so that no event comes from the future."""
    return max(0.0, simulation.anchor.timestamp() + second + 1 - time.time())


def _read_live(path: Path) -> LiveState | None:
    if not path.exists():
        return None
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        return LiveState(kept["second"], kept["rate"], np.array(kept["sequences"], np.int64))
    except (ValueError, KeyError, TypeError):
        raise damaged(path) from None


def _write_live(path: Path, state: LiveState) -> None:
    kept = {"second": state.second, "rate": state.rate, "sequences": state.sequences.tolist()}
    replace_file(path, json.dumps(kept))
