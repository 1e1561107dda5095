"""A disk that is really full: one sentence says so, what was there stays readable, and a rerun goes on exactly."""

import errno
import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.faults.killing import State, Twice, charts, ended, last_line, wait_until_stopped

pytestmark = pytest.mark.timeout(1800)

DISK_MIB = 64
STATUS = 75
SAYING = "The disk is full: 0 MiB are free at "


@dataclass(frozen=True)
class Disk:
    """A small file system of its own, mounted over a folder."""

    folder: Path

    def fill(self, left: int = 0) -> None:
        """Take all of it but for `left` KiB."""
        with (self.folder / "filler").open("wb", buffering=0) as filler:
            block = bytes(1 << 16)
            while True:
                try:
                    filler.write(block)
                except OSError as full:
                    assert full.errno == errno.ENOSPC
                    break
            filler.truncate(max(0, filler.tell() - left * 1024))

    def free(self) -> None:
        (self.folder / "filler").unlink()


@pytest.fixture
def disk() -> Iterator[Callable[[Path], Disk]]:
    """Mount a small file system over a folder; skips where this user may not."""
    mounted: list[Path] = []

    def mount(folder: Path) -> Disk:
        command = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m", "tonearm-test", str(folder)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        except FileNotFoundError:
            pytest.skip("there is no `mount` here: a full disk cannot be made")
        if done.returncode != 0:
            pytest.skip(f"a small file system cannot be mounted by this user ({done.stderr.strip()})")
        mounted.append(folder)
        return Disk(folder)

    yield mount
    for folder in mounted:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def full_run(made: Any, nothing: Path) -> str:
    """A run on the full disk: it fails as it should, and says so in these words."""
    status, said = ended(made.start(nothing))
    assert (status, last_line(said).startswith(SAYING)) == (STATUS, True), said
    assert "Traceback" not in said
    return last_line(said)


@pytest.mark.nightly
def test_a_full_lake_is_said_and_read_and_gone_on_with(
    disk: Callable[[Path], Disk], twice: Twice, nothing: Path
) -> None:
    """With a little more space each time a run comes a little further, until there is enough."""
    made = twice.twin()
    lake = made.settings.lake
    kept = lake.rename(lake.with_name("lake.kept"))
    lake.mkdir()
    small = disk(lake)
    shutil.copytree(kept, lake, dirs_exist_ok=True)
    for left in range(0, 400, 25):
        small.fill(left)
        status, said = ended(made.start(nothing))
        small.free()
        if status == 0:
            break
        assert (status, last_line(said).startswith(SAYING)) == (STATUS, True), said
        assert "Traceback" not in said
        halfway = State.of(made)
        for name, digest in halfway.digests.items():
            assert digest in (twice.first.digests[name], twice.second.digests[name]), (left, name)
        assert halfway.served["charts"] in (twice.first.served["charts"], twice.second.served["charts"])

    assert twice.finish(made) == twice.second


@pytest.mark.parametrize(
    "place",
    [
        pytest.param("check.passed@silver.plays", marks=pytest.mark.nightly),
        pytest.param("report.made", marks=pytest.mark.nightly),
        pytest.param("producer.begun", marks=pytest.mark.nightly),
    ],
)
def test_a_full_home_is_said_and_gone_on_with(
    place: str, disk: Callable[[Path], Disk], twice: Twice, nothing: Path, tmp_path: Path
) -> None:
    """Manifests, what passed its checks, and reports are on it; the lake is elsewhere."""
    made = twice.unbegun()
    home = made.settings.home
    shutil.copytree(home, tmp_path / "home", symlinks=True)
    small = disk(home)
    shutil.copytree(tmp_path / "home", home, symlinks=True, dirs_exist_ok=True)
    (tmp_path / "lake").mkdir()
    (home / "lake").symlink_to(tmp_path / "lake")
    process = made.start(nothing, failpoint=f"stop:{place}")
    wait_until_stopped(process)
    small.fill()
    os.kill(process.pid, signal.SIGCONT)
    status, said = ended(process)
    small.free()
    if place != "producer.begun":  # what it writes after that finds room in the page that it has
        assert (status, last_line(said).startswith(SAYING)) == (STATUS, True), said

    assert twice.finish(made) == twice.second
    assert not list((home / "checks").glob(".*"))


def test_an_import_on_a_full_disk_sends_nothing(
    disk: Callable[[Path], Disk], deployment: Callable[..., Any], export: Path
) -> None:
    """What is not in the manifest must not leave."""
    made = deployment()
    (made.settings.home / "manifests").mkdir()
    small = disk(made.settings.home / "manifests")
    small.fill()
    status, said = ended(made.start(export))
    assert (status, last_line(said).startswith(SAYING)) == (STATUS, True), said
    small.free()
    made.send(export)
    sheet = made.run().sheet
    assert sheet.adds_up
    assert (sheet.total("duplicate"), sheet.total("pending")) == (0, 0)
    assert charts(made)[0]
