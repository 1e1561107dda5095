"""`tonearm run`: what it is given, what dies under it, and how it says so."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from infra.local.record import running_record
from infra.run_log import last_runs
from infra.settings import REPOSITORY
from schemas.errors import ConfigurationError
from tonearm.app import run
from tonearm.commands.run import _wait

SENTENCE = (
    "All tables of the batch run are published, but the live pipeline ended, and no other life of it begins: {} "
    "(The rest is in logs/live.log; `tonearm live` starts it.)"
)
ROW = {"endTime": "2022-02-28 02:39", "artistName": "Poolside", "trackName": "Harvest Moon", "msPlayed": 243047}


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


@pytest.mark.nightly
def test_a_live_pipeline_that_ends_for_good_is_a_sentence_when_batch_is_done(
    home: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """In place of the pipeline a program that refuses; the stack is real."""
    (folder / "StreamingHistory0.json").write_text(json.dumps([ROW]))
    refuses = tmp_path / "refuses.py"
    refuses.write_text("print('The registry refuses: set TONEARM_SCHEMA_REGISTRY_USER.')\nraise SystemExit(1)")
    monkeypatch.setattr("pipelines.supervisor.LAUNCHER", refuses)

    assert run(["run", "--once", "--live", "--json", "--input", str(folder)]) == 1

    out, said = capfd.readouterr()
    report = json.loads(out)
    assert report["balance"]["adds_up"]
    assert report["live"] is None
    assert said.splitlines()[-1] == SENTENCE.format("The registry refuses: set TONEARM_SCHEMA_REGISTRY_USER.")


@pytest.mark.parametrize(("failure", "why"), [("Set this.", "Set this."), ("", "it does not say why.")])
def test_who_stays_for_the_live_pipeline_is_told_when_it_ends_for_good(failure: str, why: str) -> None:
    pipeline = SimpleNamespace(ended=False, failure=failure)
    threading.Timer(0.2, lambda: setattr(pipeline, "ended", True)).start()
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    try:
        with pytest.raises(ConfigurationError) as raised:
            _wait(pipeline)
    finally:
        for number, handler in zip((signal.SIGINT, signal.SIGTERM), before, strict=True):
            signal.signal(number, handler)
    assert str(raised.value) == SENTENCE.format(why)
