"""`tonearm produce`: send events that another program writes, a JSON object a line, to Kafka."""

import json
import os
import select
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from infra.kafka.producer import PlaybackProducer
    from playback.importers.rows import Listener

WAIT_SECONDS = 1.0
"""A line is sent after no longer than that, however slowly others follow."""

_CHUNK_BYTES = 1 << 18


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("produce")(produce)


def produce(
    user: Annotated[str, typer.Option(help="Account name for lines that name neither user nor user_id.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Send events from standard input, newline-JSON; the end of the input, Ctrl-C or SIGTERM ends it.

    A line that is no event is sent as it is, and becomes a dead letter.
    """
    from infra.identity import Identities
    from infra.kafka.producer import PlaybackProducer
    from infra.local.stack import endpoints
    from infra.settings import Settings
    from playback.importers.rows import Listener
    from tonearm.commands.import_ import summary
    from tonearm.sending import progress_bar

    source = _input()
    settings = Settings()
    started = time.monotonic()
    kafka = endpoints(settings, services=("kafka",)).kafka_bootstrap
    identities = Identities(settings.home)
    listener = Listener(identities.pseudonym(user) if user else "", identities.pseudonyms)
    with (
        progress_bar("Producing") as progress,
        _woken_when_stopped() as stopped,
        PlaybackProducer(settings, kafka, "import") as producer,
    ):
        done = 0
        for lines in _batches(source, stopped):
            done += _send(producer, lines, listener)
            progress(done, None)
    manifest = producer.manifest
    seconds = time.monotonic() - started
    if as_json:
        sys.stdout.write(json.dumps(summary(manifest, seconds)) + "\n")
        return
    typer.echo(
        f"Produced {manifest.events:,} events and {manifest.rejects:,} unreadable lines into {manifest.topic} in "
        f"{seconds:.1f} s."
    )


def _send(producer: "PlaybackProducer", lines: list[bytes], listener: "Listener") -> int:
    """Send lines, each as the event that it is or as it stands; returns how many messages that were."""
    from playback.importers.lines import parsed
    from playback.importers.own_events import from_objects

    batch = from_objects([parsed(line) for line in lines], lines, listener)
    producer.send(batch.events, batch.rejects, reject_key=listener.user_id.encode())
    return len(lines)


def _batches(source: int, stopped: int) -> Iterator[list[bytes]]:
    """Lines of a descriptor that are not blank, as many as a batch holds or as came within `WAIT_SECONDS`.

    Ends with the input, whose last line needs no newline, or when `stopped` can be read: then a line that has not
    ended is left, for it is not known how it would have gone on.
    """
    from playback.importers.lines import Lines
    from playback.importers.rows import BATCH_BYTES, BATCH_ROWS

    cutter = Lines()
    waiting: list[bytes] = []
    size, since = 0, 0.0
    for chunk in _chunks(source, stopped):
        for line in cutter.feed(chunk) if chunk is not None else [cutter.rest]:
            if not line.strip():
                continue
            since = since if waiting else time.monotonic()
            waiting.append(line)
            size += len(line)
            if len(waiting) >= BATCH_ROWS or size >= BATCH_BYTES:
                yield waiting
                waiting, size = [], 0
        if waiting and time.monotonic() - since >= WAIT_SECONDS:
            yield waiting
            waiting, size = [], 0
    if waiting:
        yield waiting


def _chunks(source: int, stopped: int) -> Iterator[bytes | None]:
    """What comes in, empty where nothing came for a while; None at the end of the input, but not when stopped."""
    while True:
        ready, _, _ = select.select([source, stopped], [], [], WAIT_SECONDS)
        if stopped in ready:
            return
        if not ready:
            yield b""
            continue
        chunk = os.read(source, _CHUNK_BYTES)
        yield chunk or None
        if not chunk:
            return


def _input() -> int:
    from schemas.errors import InputError

    if sys.stdin is None or sys.stdin.closed:
        raise InputError("Standard input is closed: write events to it, one JSON object a line.")
    return sys.stdin.fileno()


@contextmanager
def _woken_when_stopped() -> Iterator[int]:
    """A descriptor that can be read once Ctrl-C or SIGTERM came; what is being sent is sent to its end."""
    reading, writing = os.pipe()
    before = {one: signal.signal(one, lambda *_: os.write(writing, b".")) for one in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield reading
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
        os.close(reading)
        os.close(writing)
