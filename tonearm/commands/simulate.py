"""`tonearm simulate`: play a small streaming service to Kafka."""

import json
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from infra.kafka.manifests import Manifest
    from playback.simulator.parameters import Faults


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("simulate")(simulate)


def simulate(
    listeners: Annotated[
        int | None, typer.Option(min=1, max=1_000_000, help="Accounts (one for each hundred playbacks).")
    ] = None,
    events: Annotated[int | None, typer.Option(min=1, max=100_000_000, help="Playbacks (200000).")] = None,
    days: Annotated[int | None, typer.Option(min=1, max=3_650, help="Days up to yesterday (30).")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Another seed is another service (1).")] = None,
    chaos: Annotated[bool, typer.Option("--chaos", help="With every fault, as often as real services see it.")] = False,
    fault: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=RATE", help="With this fault, at a rate from 0 to 1; can be given again."),
    ] = None,
    truth: Annotated[Path | None, typer.Option(help="Folder for the answer key (truth in TONEARM_HOME).")] = None,
    live: Annotated[float, typer.Option(min=0, help="Then go on with so many events a second until Ctrl-C.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the results as JSON, one a line.")] = False,
) -> None:
    """Play the history of a simulated service; once it has been played, running again adds nothing."""
    from infra.local.stack import endpoints
    from infra.settings import Settings
    from tonearm import live_simulation, simulation
    from tonearm.sending import progress_bar

    settings = Settings()
    faults = _faults(chaos, fault or [])
    kafka = endpoints(settings, services=("kafka",)).kafka_bootstrap
    played = simulation.simulation_of(settings.home, faults, listeners=listeners, events=events, days=days, seed=seed)
    started = time.monotonic()
    with progress_bar("Playing") as progress:
        manifest = simulation.simulate(settings, kafka, played, progress, truth)
    _report(manifest, time.monotonic() - started, as_json)
    if not live:
        return
    typer.echo(f"Playing {live:g} events a second; Ctrl-C stops it.", err=True)
    started = time.monotonic()
    with _until_stopped() as stop:
        manifest = live_simulation.play_live(settings, kafka, played, live, stop)
    _report(manifest, time.monotonic() - started, as_json)


def _faults(chaos: bool, given: list[str]) -> "Faults | None":
    """The faults asked for, None where nothing was; raises InputError for a name or a rate that cannot be."""
    from dataclasses import fields, replace

    from playback.simulator.parameters import TYPICAL, Faults
    from schemas.errors import InputError

    known = [one.name for one in fields(Faults)]
    rates: dict[str, float] = {}
    for one in given:
        name, _, text = one.partition("=")
        if name not in known:
            raise InputError(f"There is no fault {name}; there are: {', '.join(known)}.")
        try:
            rates[name] = float(text)
        except ValueError:
            rates[name] = -1.0
        if not 0 <= rates[name] <= 1:
            raise InputError(f"The rate of {name} is no number from 0 to 1: write for instance {name}=0.01.")
    return replace(TYPICAL if chaos else Faults(), **rates) if chaos or given else None


def _report(manifest: "Manifest | None", seconds: float, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(json.dumps(_summary(manifest, seconds)) + "\n")
        sys.stdout.flush()  # Live play goes on for hours; a program that reads the pipe waits for this line.
    elif manifest is None:
        typer.echo("This home's simulation has been played already: nothing was added.")
    else:
        partitions = len(manifest.by_partition)
        typer.echo(
            f"Played {manifest.events:,} events into {partitions} partition{'' if partitions == 1 else 's'} of "
            f"{manifest.topic} in {seconds:.1f} s."
        )


def _summary(manifest: "Manifest | None", seconds: float) -> dict[str, object]:
    if manifest is None:
        return {"already_played": True, "events": 0}
    return {
        "manifest_id": manifest.manifest_id,
        "topic": manifest.topic,
        "events": manifest.events,
        "acknowledged": manifest.acknowledged,
        "partitions": {str(one): count for one, count in sorted(manifest.by_partition.items())},
        "seconds": round(seconds, 3),
    }


@contextmanager
def _until_stopped() -> Iterator[threading.Event]:
    """An event that Ctrl-C and SIGTERM set, so that the second that is being sent is sent to its end."""
    stop = threading.Event()
    before = {one: signal.signal(one, lambda *_: stop.set()) for one in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
