"""Cost of a child process with everything it starts: wall time, CPU time and memory.

CPU is user plus system time. It is what a busy machine distorts least; wall time is shown beside it. Memory is the sum
of the resident sets of the whole tree, sampled, so that pages which processes share count for each of them.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parent.parent
_SAMPLE_SECONDS = 0.05
_LIMIT_SECONDS = 1_800
_MEMORY_LIMIT = psutil.virtual_memory().total * 0.6
"""A side that takes more is ended: it would take the machine with it."""
_ANSWER = "TONEARM_BENCH_ANSWER"


@dataclass(frozen=True)
class Cost:
    """What one child took; `work_*` is the part inside `work()`, without imports and start of an engine."""

    wall_seconds: float
    cpu_seconds: float
    peak_rss_mib: float
    work_wall_seconds: float
    work_cpu_seconds: float
    answer: Any = None


class Tree:
    """CPU time of a process and of all it ever started, as far as it was seen alive."""

    def __init__(self, pid: int) -> None:
        self._root = psutil.Process(pid)
        self._seen: dict[tuple[int, float], float] = {}

    def sample(self) -> int:
        """Look at every process of the tree; returns their resident bytes."""
        resident = 0
        try:
            alive = [self._root, *self._root.children(recursive=True)]
        except psutil.NoSuchProcess:
            return 0
        for process in alive:
            try:
                with process.oneshot():
                    times, memory = process.cpu_times(), process.memory_info()
                    self._seen[process.pid, process.create_time()] = times.user + times.system
            except psutil.NoSuchProcess:
                continue
            resident += memory.rss
        return resident

    def kill(self) -> None:
        """End every process of the tree."""
        for process in [*self._root.children(recursive=True), self._root]:
            with suppress(psutil.NoSuchProcess):
                process.kill()

    @property
    def cpu_seconds(self) -> float:
        """User and system time of all processes seen, each as of its last sample."""
        return sum(self._seen.values())


@contextmanager
def work(answer: Any = None) -> Iterator[None]:
    """In a child of `measure_side`: the part that is compared; processes it starts belong to it."""
    before, started = tree_cpu(), time.perf_counter()
    yield
    taken = {"wall": time.perf_counter() - started, "cpu": tree_cpu() - before, "answer": answer}
    Path(os.environ[_ANSWER]).write_text(json.dumps(taken), encoding="utf-8")


def measure_side(side: str, arguments: Mapping[str, Any], limit_seconds: float = _LIMIT_SECONDS) -> Cost:
    """Run `side` (`bench.module:function`) with these arguments in a process of its own."""
    return measure([sys.executable, "-m", "bench.side", side, json.dumps(arguments)], {}, limit_seconds)


def measure(command: Sequence[str], environment: Mapping[str, str], limit_seconds: float = _LIMIT_SECONDS) -> Cost:
    """Run a command to its end; raises RuntimeError with the end of what it printed when it fails, or is ended."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        answer, output = Path(folder) / "answer.json", Path(folder) / "output"
        started = time.perf_counter()
        with output.open("wb") as sink:
            child = subprocess.Popen(
                command,
                cwd=ROOT,
                env=os.environ | environment | {_ANSWER: str(answer)},
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
            )
            tree, peak = Tree(child.pid), 0
            status = None
            while status is None:
                peak = max(peak, tree.sample())
                if peak > _MEMORY_LIMIT or time.perf_counter() - started > limit_seconds:
                    tree.kill()
                    child.wait()
                    raise RuntimeError(f"{' '.join(command)} was ended: {peak / 2**30:.1f} GiB, {_said(output)}")
                status, usage = _ended(child)
                if status is None:
                    time.sleep(_SAMPLE_SECONDS)
        wall = time.perf_counter() - started
        if status != 0:
            raise RuntimeError(f"{' '.join(command)} failed: {_said(output)}")
        # What the child waited for is exact; the samples have what it left behind.
        cpu = max(usage, tree.cpu_seconds)
        taken = json.loads(answer.read_text(encoding="utf-8")) if answer.exists() else {"wall": wall, "cpu": cpu}
        return Cost(wall, cpu, peak / 2**20, taken["wall"], taken["cpu"], taken.get("answer"))


def _said(output: Path) -> str:
    return output.read_text(errors="replace")[-2000:]


def _ended(child: subprocess.Popen[bytes]) -> tuple[int | None, float]:
    pid, status, usage = os.wait4(child.pid, os.WNOHANG)
    if pid == 0:
        return None, 0.0
    child.returncode = os.waitstatus_to_exitcode(status)
    return child.returncode, usage.ru_utime + usage.ru_stime


def tree_cpu() -> float:
    """CPU time so far of this process and of those below it that are alive."""
    tree = Tree(os.getpid())
    tree.sample()
    return tree.cpu_seconds
