"""The simulation live against a real broker: it goes on after the history and after itself, however it ended."""

import json
import os
import signal
import subprocess
import sys
import threading
from typing import Any

import pytest

from infra import failpoints
from infra.kafka.manifests import read_manifests
from infra.settings import REPOSITORY, Settings
from tests.tonearm.simulation.small_history import SMALL, sent
from tonearm.live_simulation import play_live
from tonearm.simulation import simulate, simulation_of


def play_two_seconds(settings: Settings) -> int:
    """Play live until two seconds have been sent; the number of events."""
    stop = threading.Event()
    seconds = []

    def count(events: int) -> None:
        seconds.append(events)
        if len(seconds) == 2:
            stop.set()

    simulation = simulation_of(settings.home, **SMALL)
    return play_live(settings, settings.kafka_bootstrap, simulation, 40, stop, count).events


def gaps(events: list[dict[str, Any]]) -> list[str]:
    """Installations whose sequences are not 0, 1, 2, … once repeats are left out."""
    found: dict[str, set[int]] = {}
    for event in events:
        found.setdefault(event["install_id"], set()).add(event["sequence"])
    return [install for install, numbers in found.items() if numbers != set(range(len(numbers)))]


def test_live_goes_on_after_the_history_and_after_itself_without_a_gap(settings: Settings) -> None:
    simulate(settings, settings.kafka_bootstrap, simulation_of(settings.home, **SMALL))
    assert play_two_seconds(settings) == play_two_seconds(settings) == 80
    events = sent(settings)
    assert len({event["event_id"] for event in events}) == len(events) == 460
    assert gaps(events) == []


@pytest.mark.parametrize("point", ["producer.planned", "producer.delivered", "simulate.second-sent"])
def test_live_killed_anywhere_goes_on_without_a_gap(settings: Settings, point: str) -> None:
    simulate(settings, settings.kafka_bootstrap, simulation_of(settings.home, **SMALL))
    play_two_seconds(settings)
    died = subprocess.run(
        [sys.executable, "-m", "tonearm", "simulate", "--live", "40"],
        cwd=REPOSITORY,
        env=os.environ | {failpoints.VARIABLE: point},
        check=False,
    )
    assert died.returncode == -signal.SIGKILL
    play_two_seconds(settings)
    events = sent(settings)
    assert len({event["event_id"] for event in events}) >= 300 + 80 + 40
    assert gaps(events) == []


def test_ctrl_c_ends_live_in_order(settings: Settings) -> None:
    words = [
        sys.executable,
        "-m",
        "tonearm",
        "simulate",
        "--live",
        "40",
        "--json",
        "--events",
        "100",
        "--listeners",
        "9",
    ]
    with subprocess.Popen(words, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as playing:
        assert playing.stdout is not None
        assert playing.stderr is not None
        history = json.loads(playing.stdout.readline())
        assert "Ctrl-C stops it" in playing.stderr.readline()
        live = settings.home / "simulation-live.json"
        while not live.exists() and playing.poll() is None:
            threading.Event().wait(0.05)
        playing.send_signal(signal.SIGINT)
        told = json.loads(playing.stdout.readline())
    assert playing.returncode == 0
    assert history["events"] == 100
    assert told["events"] == told["acknowledged"] == 40 * (told["events"] // 40)
    assert all(one.finished for one in read_manifests(settings.home))
