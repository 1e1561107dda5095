"""One batch run at a time in a home."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from infra.local.stack import Endpoints
from infra.settings import REPOSITORY, Settings
from jobs.batch import run_batch
from jobs.run_lock import run_lock
from schemas.errors import SupersededError

HOLD = """
import sys, time
from pathlib import Path
from jobs.run_lock import run_lock
with run_lock(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def holder(tmp_path: Path):
    """Another process that holds the home's lock."""
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], cwd=REPOSITORY, stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        yield process
    finally:
        process.kill()
        process.communicate()


def test_a_second_run_in_one_home_says_so_and_touches_nothing(holder: subprocess.Popen[bytes], tmp_path: Path) -> None:
    with pytest.raises(SupersededError, match=r"Another run is at work in .*: wait for it or stop it"):
        run_batch(Settings(home=tmp_path), Endpoints())
    assert [path.name for path in tmp_path.rglob("*")] == ["lake", "run.lock"]


def test_a_stopped_run_keeps_its_lock(holder: subprocess.Popen[bytes], tmp_path: Path) -> None:
    """It could come back with old rows."""
    os.kill(holder.pid, signal.SIGSTOP)
    with pytest.raises(SupersededError), run_lock(tmp_path):
        pass


def test_the_lock_of_a_killed_run_is_free(holder: subprocess.Popen[bytes], tmp_path: Path) -> None:
    holder.kill()
    holder.wait()
    with run_lock(tmp_path):
        pass


def test_two_homes_do_not_wait_for_each_other(holder: subprocess.Popen[bytes], tmp_path: Path) -> None:
    with run_lock(tmp_path / "another"):
        pass


def test_two_homes_with_one_lake_do(holder: subprocess.Popen[bytes], tmp_path: Path) -> None:
    (tmp_path / "another").mkdir()
    (tmp_path / "another" / "lake").symlink_to(tmp_path / "lake")
    with pytest.raises(SupersededError), run_lock(tmp_path / "another"):
        pass
