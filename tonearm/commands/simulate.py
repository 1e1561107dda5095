"""`tonearm simulate`: play a small streaming service to Kafka."""

import json
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from infra.kafka.manifests import Manifest


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("simulate")(simulate)


def simulate(
    listeners: Annotated[int | None, typer.Option(min=1, max=1_000_000, help="Accounts (2000).")] = None,
    events: Annotated[int | None, typer.Option(min=1, max=10_000_000, help="Playbacks (200000).")] = None,
    days: Annotated[int | None, typer.Option(min=1, max=3_650, help="Days up to yesterday (30).")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Another seed is another service (1).")] = None,
    live: Annotated[float, typer.Option(min=0, help="Then go on with so many events a second until Ctrl-C.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the results as JSON, one a line.")] = False,
) -> None:
    """Play the history of a simulated service; once it has been played, running again adds nothing."""
    from infra.local.stack import endpoints
    from infra.settings import Settings
    from tonearm import simulation
    from tonearm.sending import progress_bar

    settings = Settings()
    kafka = endpoints(settings, services=("kafka",)).kafka_bootstrap
    played = simulation.simulation_of(settings.home, listeners=listeners, events=events, days=days, seed=seed)
    started = time.monotonic()
    with progress_bar("Playing") as progress:
        manifest = simulation.simulate(settings, kafka, played, progress)
    _report(manifest, time.monotonic() - started, as_json)
    if not live:
        return
    typer.echo(f"Playing {live:g} events a second; Ctrl-C stops it.", err=True)
    started = time.monotonic()
    with _until_stopped() as stop:
        manifest = simulation.play_live(settings, kafka, played, live, stop)
    _report(manifest, time.monotonic() - started, as_json)


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
