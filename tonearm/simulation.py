"""Play the simulated service to Kafka: its history once, then its present second by second.

A home has one simulation. `<home>/simulation.json` keeps what it depends on, and the moment its history ends; it is
written before the first event is sent, so that whatever happens later the same events can be sent again.
"""

import json
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from infra import failpoints
from infra.identity import Identities
from infra.kafka.manifests import Manifest, read_manifests
from infra.kafka.producer import PlaybackProducer
from infra.replace_file import replace_file
from infra.settings import Settings
from playback.simulator.catalogue import Ints
from playback.simulator.events import World, account_names, history, live_second, make_world, sequences_after_history
from playback.simulator.parameters import Faults, Parameters
from schemas.errors import InputError

_LIVE = "live"


@dataclass(frozen=True)
class Simulation:
    """The simulation of a home: its parameters and the end of its history (UTC midnight)."""

    parameters: Parameters
    anchor: datetime

    @property
    def subject(self) -> str:
        """Names the history in manifests."""
        return self.parameters.fingerprint(self.anchor.isoformat())


@dataclass(frozen=True)
class LiveState:
    """How far the present was played: `second` was planned at `rate` when `sequences` were the next ones."""

    second: int
    rate: float
    sequences: Ints


def read_simulation(home: Path) -> Simulation | None:
    """The simulation of that home, None before its first run; raises InputError when the file is damaged."""
    path = _file(home)
    if not path.exists():
        return None
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        parameters = kept["parameters"] | {"faults": Faults(**kept["parameters"]["faults"])}
        return Simulation(Parameters(**parameters), datetime.fromisoformat(kept["anchor"]))
    except (ValueError, KeyError, TypeError):
        raise _damaged(path) from None


def simulation_of(home: Path, faults: Faults | None = None, **asked: int | None) -> Simulation:
    """The home's simulation; where there is none a new one, with its history up to yesterday, kept once it is played.

    `asked` are fields of Parameters, None where any will do. Raises InputError when the home's are others.
    """
    wanted: dict[str, Any] = {name: value for name, value in {**asked, "faults": faults}.items() if value is not None}
    kept = read_simulation(home)
    if kept is None:
        today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        return Simulation(replace(Parameters(), **wanted), today)
    if replace(kept.parameters, **wanted) != kept.parameters:
        now = ", ".join(f"{one.name} {getattr(kept.parameters, one.name)}" for one in fields(kept.parameters))
        raise InputError(
            f"This home has a simulation already, with {now}: leave these options out, or use another home "
            "(TONEARM_HOME)."
        )
    return kept


def simulate(
    settings: Settings,
    kafka_bootstrap: str,
    simulation: Simulation,
    progress: Callable[[int, int], None] | None = None,
) -> Manifest | None:
    """Send the history; None when an earlier run has sent it to its end, so that nothing was added.

    Raises StoreUnavailableError when Kafka does not answer; running again then sends the same events again.
    """
    if any(one.subject == simulation.subject and one.finished for one in read_manifests(settings.home)):
        return None
    batches = history(_world(settings, simulation))
    _keep(settings.home, simulation)
    done = 0
    with PlaybackProducer(settings, kafka_bootstrap, "simulate", simulation.subject) as producer:
        for events in batches:
            producer.send(events)
            done += events.num_rows
            if progress:
                progress(done, simulation.parameters.events)
    return producer.manifest


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
    world = _world(settings, simulation)
    path = settings.home / "simulation-live.json"
    state = _read_live(path) or LiveState(0, 0.0, sequences_after_history(world))
    _keep(settings.home, simulation)
    sent = 0
    with PlaybackProducer(settings, kafka_bootstrap, "simulate", f"{simulation.subject}:{_LIVE}") as producer:
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


def _keep(home: Path, simulation: Simulation) -> None:
    """Keep the simulation before its first event leaves, and only once it is sure that it can be played."""
    if not _file(home).exists():
        kept = {"parameters": asdict(simulation.parameters), "anchor": simulation.anchor.isoformat()}
        replace_file(_file(home), json.dumps(kept) + "\n")


def _world(settings: Settings, simulation: Simulation) -> World:
    user_ids = Identities(settings.home).pseudonyms(account_names(simulation.parameters))
    return make_world(simulation.parameters, simulation.anchor, user_ids)


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
        raise _damaged(path) from None


def _write_live(path: Path, state: LiveState) -> None:
    kept = {"second": state.second, "rate": state.rate, "sequences": state.sequences.tolist()}
    replace_file(path, json.dumps(kept))


def _file(home: Path) -> Path:
    return home / "simulation.json"


def _damaged(path: Path) -> InputError:
    return InputError(f"{path} is damaged: bring it back from a backup, or begin with a new home.")
