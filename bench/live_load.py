"""Events of the present at a fixed rate, for measurements of the live pipeline; a process of its own beside it."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bench.data import LIVE_LISTENERS, live_world
from bench.measure import ROOT
from infra.kafka.producer import PlaybackProducer
from infra.settings import Settings
from playback.simulator.events import live_second

_SLICES = 10
"""Times a second that events are sent: those that ended since the time before."""
_STOP_SECONDS = 30.0


@contextmanager
def sending(home: Path, bootstrap: str, rate: int, listeners: int = LIVE_LISTENERS) -> Iterator[Path]:
    """Send so long as the block lasts; yields the file that says how much was sent, see `sent`."""
    said = home / "load.json"
    arguments = {"home": str(home), "bootstrap": bootstrap, "rate": rate, "listeners": listeners, "said": str(said)}
    command = [sys.executable, "-m", "bench.side", "bench.live_load:send", json.dumps(arguments)]
    with (home / "load.log").open("wb") as log:
        sender = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        yield said
    finally:
        sender.terminate()
        sender.wait(_STOP_SECONDS)


def sent(said: Path) -> tuple[int, float]:
    """Events sent so far, and how many seconds the sender is behind its rate."""
    if not said.exists():
        return 0, 0.0
    told: dict[str, Any] = json.loads(said.read_text(encoding="utf-8"))
    return told["events"], told["behind"]


def send(home: str, bootstrap: str, rate: int, listeners: int, said: str) -> None:
    """Send each event within a tenth of a second of its end, until terminated."""
    settings = Settings(home=Path(home))
    began = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=2)
    world = live_world(began, listeners)
    sequences = np.zeros(len(world.audience.install_listeners), np.int64)
    told, second, count = Path(said), 0, 0
    with PlaybackProducer(settings, bootstrap, "simulate", f"load-{rate}") as producer:
        while True:
            events, sequences = live_second(world, second, rate, sequences)
            ended_us = events["occurred_at"].cast(pa.int64())
            for part in range(1, _SLICES + 1):
                due_us = int(began.timestamp() * 1e6) + second * 1_000_000 + part * 1_000_000 // _SLICES
                is_due = pc.and_(pc.less(ended_us, due_us), pc.greater_equal(ended_us, due_us - 1_000_000 // _SLICES))
                batch = events.filter(is_due)
                behind = time.time() - due_us / 1e6
                time.sleep(max(0.0, -behind))
                producer.send(batch)
                count += batch.num_rows
            unfinished = told.with_suffix(".part")
            unfinished.write_text(json.dumps({"events": count, "behind": max(0.0, behind)}), encoding="utf-8")
            unfinished.replace(told)
            second += 1
