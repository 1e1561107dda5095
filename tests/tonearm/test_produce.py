"""`tonearm produce` against a real broker: what a program writes, line by line."""

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path
from typing import Any

import pytest

from infra.identity import Identities
from infra.kafka.manifests import read_manifests
from infra.settings import REPOSITORY, Settings
from playback.importers import rows
from tonearm.app import run

EVENT = {
    "source": "jukebox",
    "user": "anna",
    "occurred_at": "2024-05-01T10:00:00Z",
    "content_type": "track",
    "ms_played": 5,
}
LINE = json.dumps(EVENT).encode()


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Settings:
    """A home and a topic of the test's own, for this process and those it starts."""
    stack = request.getfixturevalue("stack")
    own = Settings(home=tmp_path / "home", playback_topic=f"produce-{uuid.uuid4().hex[:8]}")
    monkeypatch.setenv("TONEARM_HOME", str(own.home))
    monkeypatch.setenv("TONEARM_PLAYBACK_TOPIC", own.playback_topic)
    monkeypatch.setenv("TONEARM_KAFKA_BOOTSTRAP", stack.endpoints.kafka_bootstrap)
    return own


def written(content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """Run the command with that on its standard input."""
    path = tmp_path / "stdin"
    path.write_bytes(content)
    with path.open() as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        return run(["produce", *arguments])


@pytest.mark.parametrize(
    ("content", "events", "rejects"),
    [
        (b"", 0, 0),
        (b"\n \n\r\n", 0, 0),
        (LINE + b"\n" + LINE, 2, 0),
        (LINE + b"\r\n\n" + LINE + b"\n", 2, 0),
        (LINE + b"\nbroken\n" + LINE + b"\n", 2, 1),
        (LINE + b"\n" + LINE[:-1], 1, 1),
        (b'{"event_id": "no more"}\n' + b"\xff\0\n" + b"[" * 5_000 + b"\n", 0, 3),
        (b'{"x": "' + b"y" * 3_000_000 + b'"}\n' + LINE, 1, 1),
        (json.dumps({name: value for name, value in EVENT.items() if name != "user"}).encode(), 0, 1),
    ],
)
def test_every_line_is_an_event_or_a_reject(
    settings: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    content: bytes,
    events: int,
    rejects: int,
) -> None:
    assert written(content, tmp_path, monkeypatch, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["events"], told["rejects"], told["acknowledged"]) == (events, rejects, events + rejects)
    (manifest,) = read_manifests(settings.home)
    assert (manifest.manifest_id, manifest.finished, manifest.source) == (told["manifest_id"], True, "import")


def test_lines_that_name_nobody_belong_to_the_user_that_is_given(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    nobody = json.dumps({name: value for name, value in EVENT.items() if name != "user"}).encode()
    assert written(nobody + b"\n" + LINE, tmp_path, monkeypatch, "--user", "bob") == 0
    said = capsys.readouterr().out
    assert said.startswith(f"Produced 2 events and 0 unreadable lines into {settings.playback_topic} in ")
    identities = Identities(settings.home)
    assert identities.find("bob") != identities.find("anna")
    assert "anna" not in said


def test_more_than_a_batch_is_sent_in_several(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows, "BATCH_ROWS", 2)
    assert written((LINE + b"\n") * 5, tmp_path, monkeypatch) == 0
    (manifest,) = read_manifests(settings.home)
    assert (manifest.acknowledged, manifest.whole_batches) == (5, 3)


def test_a_line_is_sent_without_waiting_for_the_next_and_sigterm_ends_it_in_order(settings: Settings) -> None:
    command = [sys.executable, "-m", "tonearm", "produce", "--json"]
    with subprocess.Popen(command, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdin and child.stdout
        child.stdin.write(LINE + b"\n" + LINE[:9])
        child.stdin.flush()
        deadline = time.monotonic() + 60
        while not any(one.acknowledged for one in _manifests(settings)) and time.monotonic() < deadline:
            time.sleep(0.05)
        os.kill(child.pid, signal.SIGTERM)
        told = json.loads(child.stdout.read())
    assert child.returncode == 0
    assert (told["events"], told["rejects"]) == (1, 0)
    (manifest,) = read_manifests(settings.home)
    assert manifest.finished


def test_a_closed_input_is_one_sentence(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", None)
    assert run(["produce"]) == 1
    assert capsys.readouterr().err == "Standard input is closed: write events to it, one JSON object a line.\n"


def _manifests(settings: Settings) -> Any:
    return read_manifests(settings.home) if settings.home.exists() else []
