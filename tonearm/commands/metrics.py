"""`tonearm metrics`: what Prometheus sees of a deployment."""

import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

PORT = 9464
LOOPBACK = "127.0.0.1"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("metrics")(metrics)


def metrics(
    serve: Annotated[
        bool, typer.Option("--serve", help="Serve them on loopback until Ctrl-C, read anew for each answer.")
    ] = False,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port for --serve; 0: any free one.")] = PORT,
    write: Annotated[
        Path | None, typer.Option(help="Write them to this file, whole or not at all, for a textfile collector.")
    ] = None,
) -> None:
    """Print lag, freshness, completeness, dead letters, checks, publications and runs in Prometheus' text format."""
    from prometheus_client import generate_latest

    from infra.settings import Settings
    from schemas.errors import InputError
    from tonearm.metrics.collector import registry

    if serve and write:
        raise InputError("Give --serve or --write, not both.")
    found = registry(Settings(), _say)
    if serve:
        _serve(found, port)
    elif write:
        _write(found, write)
    else:
        sys.stdout.write(generate_latest(found).decode())


def _serve(found: "CollectorRegistry", port: int) -> None:
    from prometheus_client import start_http_server

    from schemas.errors import ConfigurationError

    try:
        server, thread = start_http_server(port, LOOPBACK, found)
    except OSError:
        raise ConfigurationError(f"Port {port} is in use: give another --port, or 0 for any free one.") from None
    # A shell that starts it in the background has it ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    _say(f"Metrics are at http://{LOOPBACK}:{server.server_port}/metrics until Ctrl-C.")
    try:
        thread.join()
    finally:
        server.shutdown()


def _write(found: "CollectorRegistry", path: Path) -> None:
    from prometheus_client import write_to_textfile

    from schemas.errors import ConfigurationError

    try:
        write_to_textfile(str(path), found)
    except OSError as error:
        raise ConfigurationError(
            f"{path} cannot be written ({error.strerror}): give a file in a folder of yours."
        ) from None


_SAYING = threading.Lock()


def _say(sentence: str) -> None:
    with _SAYING:
        sys.stderr.write(f"{sentence}\n")
        sys.stderr.flush()
