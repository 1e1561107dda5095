"""`tonearm run`: what it is given, what dies under it, and how it says so."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from infra.local.record import running_record
from infra.run_log import last_runs
from infra.settings import REPOSITORY
from tonearm.app import run

ROW = {"endTime": "2022-02-28 02:39", "artistName": "Poolside", "trackName": "Harvest Moon", "msPlayed": 243047}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TONEARM_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "export").mkdir()
    return tmp_path / "export"


def refused(home: Path, path: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """What the command says of an input with which it does not even start the stack."""
    assert run(["run", "--once", "--input", str(path)]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert not home.exists()
    return said.err


def test_a_missing_folder(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert refused(home, tmp_path / "gone", capsys).startswith(f"There is no {tmp_path / 'gone'}: give the folder")


def test_an_empty_folder(home: Path, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert f"The folder {folder} is empty" in refused(home, folder, capsys)


def test_a_zip_that_was_cut_off(home: Path, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    archive = folder / "my_data.zip"
    archive.write_bytes(b"PK\x03\x04")
    for path in (folder, archive):
        assert f"{archive} is no whole zip archive: download it again" in refused(home, path, capsys)


def test_an_export_that_was_cut_off(home: Path, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "StreamingHistory0.json").write_text(json.dumps([ROW] * 10))
    (folder / "StreamingHistory1.json").write_text(json.dumps([ROW] * 10)[:-20])
    assert "StreamingHistory1.json is no whole JSON file (it breaks at byte" in refused(home, folder, capsys)


def test_a_folder_of_something_else(home: Path, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "holiday.json").write_text("[]")
    assert "holds no export file that is known here: it looks for" in refused(home, folder, capsys)


def test_an_export_of_another_shape(home: Path, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "endsong_0.json").write_text(json.dumps(ROW))
    assert "endsong_0.json is JSON but no list of playbacks" in refused(home, folder, capsys)


def test_a_store_that_dies_under_the_run_is_a_sentence_and_a_retry_finishes(home: Path, folder: Path) -> None:
    """Its stack is its own: the serving store is killed as soon as there is something to publish."""
    (folder / "StreamingHistory0.json").write_text(json.dumps([ROW]))
    command = [sys.executable, "-m", "tonearm", "run", "--once", "--json", "--input", str(folder)]
    first = subprocess.Popen(command, cwd=REPOSITORY, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    while not (home / "lake" / "silver" / "plays" / "_delta_log").is_dir():
        assert first.poll() is None, first.communicate()
        time.sleep(0.05)
    record = running_record(home.resolve(), "cassandra")
    assert record is not None
    assert record.process is not None
    os.kill(record.process.pid, signal.SIGKILL)
    out, said = first.communicate(timeout=200)
    assert first.returncode == 75, said
    assert out == ""
    assert said.splitlines()[-1].startswith("Cassandra does not answer (in time)")
    assert [(one.command, one.status, one.succeeded_at) for one in last_runs(home)] == [("run", 75, None)]

    again = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=250)
    assert again.returncode == 0, again.stderr
    report = json.loads(again.stdout)
    assert report["balance"]["adds_up"]
    assert (report["balance"]["accepted"], report["balance"]["duplicate"]) == (1, 1)
    assert [(one.command, one.status, one.succeeded_at is None) for one in last_runs(home)] == [("run", 0, False)]
