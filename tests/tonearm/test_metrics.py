"""`tonearm metrics`: printed, written, served on loopback."""

import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.settings import REPOSITORY
from tests.tonearm.metrics.scraping import parsed
from tonearm.app import run

pytestmark = pytest.mark.usefixtures("home")


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that somebody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_they_are_printed_and_what_cannot_be_read_is_said_beside(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["metrics"]) == 0
    said = capsys.readouterr()
    assert parsed(said.out)["tonearm_source_up"]["kafka",] == 0
    assert "# HELP tonearm_source_up 1 if a source of metrics could be read" in said.out
    assert "kafka: The local stack is not running: start it with `tonearm up`.\n" in said.err
    assert not home.exists()


def test_a_file_is_replaced_as_a_whole(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "tonearm.prom"
    file.write_text("before")
    assert run(["metrics", "--write", str(file)]) == 0
    assert "tonearm_info" in parsed(file.read_text())
    assert [one.name for one in tmp_path.iterdir()] == ["tonearm.prom"]
    assert capsys.readouterr().out == ""


def test_a_file_that_cannot_be_written_is_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "gone" / "tonearm.prom"
    assert run(["metrics", "--write", str(file)]) == 1
    assert f"{file} cannot be written (No such file or directory)" in capsys.readouterr().err


def test_a_port_that_is_taken_is_a_sentence(taken: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["metrics", "--serve", "--port", str(taken)]) == 1
    assert capsys.readouterr().err == f"Port {taken} is in use: give another --port, or 0 for any free one.\n"


def test_one_way_at_a_time(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["metrics", "--serve", "--write", str(tmp_path / "m.prom")]) == 1
    assert capsys.readouterr().err == "Give --serve or --write, not both.\n"


def test_they_are_served_on_loopback_until_ctrl_c() -> None:
    command = [sys.executable, "-m", "tonearm", "metrics", "--serve", "--port", "0"]
    server = subprocess.Popen(command, cwd=REPOSITORY, stderr=subprocess.PIPE, text=True)
    try:
        assert server.stderr is not None
        address = server.stderr.readline().removeprefix("Metrics are at ").partition(" ")[0]
        assert address.startswith("http://127.0.0.1:")
        for _ in range(2):
            with urllib.request.urlopen(address, timeout=60) as answer:
                found = parsed(answer.read().decode())
            assert found["tonearm_source_up"]["lake",] == 1
        server.send_signal(signal.SIGINT)
        _, said = server.communicate(timeout=60)
        assert server.returncode == 130
        # Once, although it was asked twice.
        assert said.count("kafka: ") == 1
    finally:
        server.kill()
        server.wait()
