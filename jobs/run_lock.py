"""One run at a time: a lock beside the tables that the operating system releases when the process dies.

A stopped process keeps it, so it can never be overtaken and come back with old rows. Where two run nevertheless (a file
system without locks), every commit and every publication is a compare-and-set, and the one that comes second says so.
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from schemas.errors import SupersededError


@contextmanager
def run_lock(home: Path) -> Iterator[None]:
    """Hold the lock of batch runs; raises SupersededError at once when another run holds it.

    It lies in the lake, so that homes which share one by a link or a mount share the lock too.
    """
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    (home / "lake").mkdir(exist_ok=True)
    with (home / "lake" / "run.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SupersededError(f"Another run is at work in {home}: wait for it or stop it.") from None
        yield
