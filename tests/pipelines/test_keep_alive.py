"""What a look at the live pipeline decides; the supervisor is a real process that holds the lock of the home."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from infra.local.owner import Owner, owner_of
from infra.local.record import ProcessId
from infra.local.stack import Endpoints
from infra.settings import Settings
from pipelines import keep_alive as module
from pipelines.keep_alive import PATIENCE_SECONDS, Look, State, keep_alive, state, stop_detached
from pipelines.progress import read_progress, write_progress
from pipelines.supervisor import lock_path
from pipelines.transforms.elements import Changes
from pipelines.transforms.rules import Rules
from schemas.errors import StoreUnavailableError
from tonearm.app import run

HOLD = """
import sys, time
from pathlib import Path
from infra.local.owner import own
with own(Path(sys.argv[1]), ("live",), supervisor=sys.argv[2] == "detached"):
    print("held", flush=True)
    time.sleep(600)
"""
Hold = Callable[[str], "subprocess.Popen[str]"]


def said(home: Path, seconds_ago: float) -> None:
    """The pipeline wrote its progress so long ago."""
    write_progress(home, 3, Rules(), Changes(0, 1, 60, caught_up=True, offsets={0: 7}, records=1, dead_letters=0))
    kept = json.loads((home / "live.json").read_text())
    (home / "live.json").write_text(json.dumps(kept | {"at": kept["at"] - seconds_ago}))


@pytest.fixture
def hold(settings: Settings) -> Iterator[Hold]:
    """A supervisor of the home, which does nothing."""
    started = []

    def begin(how: str) -> "subprocess.Popen[str]":
        words = [sys.executable, "-c", HOLD, str(lock_path(settings.home)), how]
        started.append(subprocess.Popen(words, stdout=subprocess.PIPE, text=True))
        assert started[-1].stdout is not None
        assert started[-1].stdout.readline() == "held\n"
        return started[-1]

    yield begin
    for one in started:
        one.kill()
        one.wait()
        one.stdout.close()


@pytest.fixture
def starts(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """The stack is up as far as the look can see, and what would be started is only noted."""
    settings.home.mkdir()
    noted: list[tuple[str, ...]] = []
    monkeypatch.setattr(module, "endpoints", lambda _settings: Endpoints(kafka_bootstrap="127.0.0.1:1"))
    monkeypatch.setattr(module, "ensure_playback_topic", lambda *_: None)
    monkeypatch.setattr(module, "_start", lambda _settings, options: noted.append(tuple(options)) or 42)
    return noted


def test_a_pipeline_that_says_something_is_alive_whoever_runs_it(settings: Settings) -> None:
    settings.home.mkdir()
    said(settings.home, seconds_ago=5)
    assert state(read_progress(settings.home), None, time.time()) == State.ALIVE


def test_one_that_is_silent_is_dead_starting_or_stalled_by_its_supervisor(settings: Settings) -> None:
    settings.home.mkdir()
    said(settings.home, seconds_ago=60)
    progress, now = read_progress(settings.home), time.time()
    young = Owner(ProcessId(1, now - 10), ("live",), True)
    old = Owner(ProcessId(1, now - PATIENCE_SECONDS - 1), ("live",), True)
    assert state(progress, None, now) == State.DEAD
    assert state(progress, young, now) == State.STARTING
    assert state(progress, old, now) == State.STALLED
    assert state(None, None, now) == State.DEAD


def test_alive_or_starting_nothing_is_done(settings: Settings, starts: list[tuple[str, ...]], hold: Hold) -> None:
    process = hold("detached")
    assert keep_alive(settings) == Look(State.STARTING)
    said(settings.home, seconds_ago=1)
    assert keep_alive(settings) == Look(State.ALIVE)
    assert starts == []
    assert process.poll() is None


def test_a_dead_one_is_started_with_the_options(settings: Settings, starts: list[tuple[str, ...]], hold: Hold) -> None:
    process = hold("detached")
    process.kill()
    process.wait()
    assert keep_alive(settings, ["--flush_seconds=1"]) == Look(State.DEAD, 42)
    assert starts == [("--flush_seconds=1",)]


def test_one_that_stands_still_is_ended_and_started(
    settings: Settings, starts: list[tuple[str, ...]], hold: Hold, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = hold("detached")
    monkeypatch.setattr(module, "PATIENCE_SECONDS", 0.0)
    assert keep_alive(settings) == Look(State.STALLED, 42)
    process.wait(10)
    assert starts == [()]


def test_one_that_stands_still_in_a_terminal_is_left_to_it_and_said(
    settings: Settings, starts: list[tuple[str, ...]], hold: Hold, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = hold("terminal")
    monkeypatch.setattr(module, "PATIENCE_SECONDS", 0.0)
    with pytest.raises(StoreUnavailableError, match=f"of process {process.pid} stands still.*live.log"):
        keep_alive(settings)
    assert not stop_detached(settings)
    assert process.poll() is None
    assert starts == []


def test_without_a_stack_one_sentence_says_so_and_a_retry_can_help(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TONEARM_HOME", str(tmp_path))
    assert run(["keep-alive"]) == 75
    assert capsys.readouterr().err == "The local stack is not running: start it with `tonearm up`.\n"


def test_down_ends_what_was_started(
    tmp_path: Path, settings: Settings, hold: Hold, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = hold("detached")
    monkeypatch.setenv("TONEARM_HOME", str(settings.home))
    assert run(["down"]) == 0
    process.wait(10)
    assert owner_of(lock_path(settings.home)) is None
