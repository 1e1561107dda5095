"""Play the history of the simulated service to Kafka, once.

A home has one simulation. `<home>/simulation.json` keeps what it depends on, and the moment its history ends; it is
written before the first event is sent, so that whatever happens later the same events can be sent again.
"""

import json
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa

from infra.identity import Identities
from infra.kafka.manifests import Manifest, read_manifests
from infra.kafka.producer import PlaybackProducer
from infra.replace_file import replace_file
from infra.settings import Settings
from playback.simulator.events import World, account_names, make_world
from playback.simulator.feed import feed_of
from playback.simulator.parameters import Faults, Parameters
from playback.simulator.play import Played, play
from schemas.errors import InputError
from tonearm.answer_key import CATALOGUE, KeyWriter, read_key

_EVENTS_A_LISTENER = 100
"""How many playbacks an account has by default: what a listener can play in a month without hurry."""


@dataclass(frozen=True)
class Simulation:
    """The simulation of a home: its parameters and the end of its history (UTC midnight)."""

    parameters: Parameters
    anchor: datetime

    @property
    def subject(self) -> str:
        """Names the history in manifests."""
        return self.parameters.fingerprint(self.anchor.isoformat())


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
        raise damaged(path) from None


def simulation_of(home: Path, faults: Faults | None = None, **asked: int | None) -> Simulation:
    """The home's simulation; where there is none a new one, with its history up to yesterday, kept once it is played.

    `asked` are fields of Parameters, None where any will do. Raises InputError when the home's are others.
    """
    wanted: dict[str, Any] = {name: value for name, value in {**asked, "faults": faults}.items() if value is not None}
    kept = read_simulation(home)
    if kept is None:
        if "events" in wanted:
            wanted.setdefault("listeners", max(1, wanted["events"] // _EVENTS_A_LISTENER))
        today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        return Simulation(replace(Parameters(), **wanted), today)
    if replace(kept.parameters, **wanted) != kept.parameters:
        raise InputError(
            f"This home has a simulation already, with {_words(kept.parameters)}: leave these options out, or use "
            "another home (TONEARM_HOME)."
        )
    return kept


def _words(parameters: Parameters) -> str:
    rates = [f"{name} {rate:g}" for name, rate in asdict(parameters.faults).items() if rate]
    numbers = [f"{one.name} {getattr(parameters, one.name)}" for one in fields(parameters) if one.name != "faults"]
    return ", ".join([*numbers, *rates])


def simulate(
    settings: Settings,
    kafka_bootstrap: str,
    simulation: Simulation,
    progress: Callable[[int, int], None] | None = None,
    truth: Path | None = None,
) -> Manifest | None:
    """Send the history and write its answer key; None when all of it was sent before, so that nothing was added.

    The key goes to the folder `truth`, without one to `<home>/truth`. Raises StoreUnavailableError when Kafka does not
    answer; running again goes on behind the last batch that was acknowledged as a whole.
    """
    folder = truth or truth_folder(settings.home)
    before = [one for one in read_manifests(settings.home) if one.subject == simulation.subject]
    is_sent = any(one.finished for one in before)
    if is_sent and _has_key(folder, simulation, settings.statistics):
        return None
    world = world_of(settings, simulation)
    played, feed = play(world), feed_of(world)
    with KeyWriter(folder, simulation.subject, settings.statistics) as key:
        keep(settings.home, simulation)
        key.catalogue(feed.entries)
        replace_file(settings.simulated_feed, feed.lines)
        messages = _logged(played, key, simulation.parameters.events, progress or (lambda _done, _total: None))
        manifest = None
        if is_sent:
            deque(messages, maxlen=0)  # Killed between sending and answering: only the key is made again.
        else:
            manifest = _send(settings, kafka_bootstrap, simulation, messages, sum(one.whole_batches for one in before))
        key.finish(interrupted=any(one.in_doubt for one in before))
    return manifest


def _send(
    settings: Settings, kafka_bootstrap: str, simulation: Simulation, batches: Iterator[pa.RecordBatch], skipped: int
) -> Manifest:
    """Send all batches but the first ones, which are on the topic."""
    with PlaybackProducer(settings, kafka_bootstrap, "simulate", simulation.subject) as producer:
        for messages in islice(batches, skipped, None):
            producer.send_messages(messages)
    return producer.manifest


def _logged(
    played: Iterator[Played], key: KeyWriter, events: int, progress: Callable[[int, int], None]
) -> Iterator[pa.RecordBatch]:
    """The messages of each batch, once its log is written. Progress is of playbacks, of which some come twice."""
    done = 0
    for batch in played:
        key.add(batch.log)
        if batch.messages.num_rows:  # One in which all were lost is none for the producer's journal either.
            yield batch.messages
        done += batch.messages.num_rows
        progress(min(done, events), events)


def truth_folder(home: Path) -> Path:
    """Where a simulation's answer key goes if nothing else is said."""
    return home / "truth"


def _has_key(folder: Path, simulation: Simulation, statistics: bool) -> bool:
    key = read_key(folder)
    if key is None or not key.complete or key.subject != simulation.subject:
        return False
    if not (folder / CATALOGUE).exists():  # Of before there was one: the key is made again, and the feed with it.
        return False
    return key.statistics or not statistics


def keep(home: Path, simulation: Simulation) -> None:
    """Keep the simulation before its first event leaves, and only once it is sure that it can be played."""
    if not _file(home).exists():
        kept = {"parameters": asdict(simulation.parameters), "anchor": simulation.anchor.isoformat()}
        replace_file(_file(home), json.dumps(kept) + "\n")


def world_of(settings: Settings, simulation: Simulation) -> World:
    """The world of a simulation; its listeners get their pseudonyms in this home."""
    user_ids = Identities(settings.home).pseudonyms(account_names(simulation.parameters))
    return make_world(simulation.parameters, simulation.anchor, user_ids)


def _file(home: Path) -> Path:
    return home / "simulation.json"


def damaged(path: Path) -> InputError:
    """What is said of a state file that cannot be read."""
    return InputError(f"{path} is damaged: bring it back from a backup, or begin with a new home.")
