"""Child processes: started under the launcher, stopped with a grace, explained from their log when they fail."""

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from schemas.errors import ConfigurationError, StoreUnavailableError

LAUNCHER = Path(__file__).with_name("launch.py")
STOP_GRACE = 20.0  # seconds between SIGTERM and SIGKILL
TELLING = re.compile(r"error|fatal|exception|refused|denied|no space|in use|cannot|unable", re.IGNORECASE)
STACK_FRAME = re.compile(r"\s+at |\s+\.\.\. \d+ more|\s+File \"")


def start_process(command: Sequence[str], *, log: Path, env: Mapping[str, str], cwd: Path) -> subprocess.Popen[bytes]:
    """Start a server whose output goes to `log` (the previous log is kept beside it as `<name>.1`)."""
    log.parent.mkdir(parents=True, exist_ok=True)
    if log.exists():
        log.replace(log.with_name(log.name + ".1"))
    with log.open("wb") as output:
        return subprocess.Popen(
            [sys.executable, "-S", str(LAUNCHER), str(os.getpid()), *command],
            stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, cwd=cwd, env={**os.environ, **env},
            start_new_session=True,  # Ctrl-C is for the owner, which then stops its servers in order
        )  # fmt: skip


def stop_processes(processes: Iterable[psutil.Process], grace: float = STOP_GRACE) -> None:
    """Ask all to stop, wait up to `grace` seconds for them together, and kill what is left."""
    waiting = [process for process in processes if _signal(process, "terminate")]
    _, stubborn = psutil.wait_procs(waiting, timeout=grace)
    killed = [process for process in stubborn if _signal(process, "kill")]
    psutil.wait_procs(killed, timeout=grace)


@contextmanager
def answering(name: str, command: Sequence[str], *, port: int, log: Path, cwd: Path, seconds: float) -> Iterator[None]:
    """Run a server for as long as the block lasts, which begins when it answers on that port of loopback.

    Raises StoreUnavailableError when it ends before, or has not answered within so many seconds.
    """
    child = start_process(command, log=log, env={}, cwd=cwd)
    try:
        deadline = time.monotonic() + seconds
        while not _answers(port):
            if child.poll() is not None or time.monotonic() > deadline:
                raise StoreUnavailableError(f"{name} did not start: {telling_line(log)} (log: {log})")
            time.sleep(0.1)
        yield
    finally:
        with suppress(psutil.NoSuchProcess):
            stop_processes([psutil.Process(child.pid)], grace=5)
        child.wait()


def telling_line(log: Path) -> str:
    """The last line of a log that speaks of trouble, else its last line, shortened to 300 characters."""
    lines = _lines(log)
    speaking = [line for line in lines if TELLING.search(line) and not STACK_FRAME.match(line)]
    return (speaking or lines)[-1].strip()[:300]


def last_line(log: Path) -> str:
    """The last line of a log, which of this project's own programs is the reason why they ended."""
    return _lines(log)[-1].strip()


def _answers(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def _lines(log: Path) -> list[str]:
    """Its last lines that are not blank, or one that says `nothing`."""
    try:
        text = log.read_bytes()[-200_000:].decode(errors="replace")
    except FileNotFoundError:
        text = ""
    return [line for line in text.splitlines() if line.strip()] or ["nothing"]


def _signal(process: psutil.Process, action: str) -> bool:
    try:
        getattr(process, action)()
    except psutil.NoSuchProcess:
        return False
    return True


def run_to_end(command: Sequence[str], *, what: str) -> None:
    """Run a short command of a server's own tools.

    Raises:
        ConfigurationError: it failed.
    """
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip().splitlines() or ["nothing"]
        raise ConfigurationError(f"Tonearm could not {what}; the tool said: {said[-1][:300]}")
