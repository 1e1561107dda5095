"""Keeps the live pipeline alive: each life is a process of its own, and when it ends another one begins."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from infra.local.owner import own
from infra.local.process import LAUNCHER, last_line
from infra.run_log import logger
from infra.settings import REPOSITORY, Settings
from schemas.errors import RetryableError, TonearmError

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0  # seconds between lives
STEADY_SECONDS = 60.0
"""After a life of this length the next pause is a short one again."""
STOP_SECONDS = 10.0


class Supervisor:
    """Starts lives from one thread, which they do not outlive; `lives` counts them.

    A life that ends with the status of an error that stays (1) is the last one; `failure` then says why.
    """

    def __init__(
        self, settings: Settings, options: Sequence[str], on_life: Callable[[int], None] | None = None
    ) -> None:
        self._settings = settings
        self._options = tuple(options)
        self._on_life = on_life or (lambda _number: None)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._supervise, name="live pipeline")
        self._child: subprocess.Popen[bytes] | None = None
        self.lives = 0
        self.failure = ""

    @property
    def pid(self) -> int | None:
        """The process of the present life."""
        return self._child.pid if self._child and self._child.poll() is None else None

    @property
    def ended(self) -> bool:
        """Whether no further life begins."""
        return not self._thread.is_alive()

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End the present life, and let no other begin. It is made to be killed: nothing of it has to be kept."""
        self._stopped.set()
        self._thread.join()

    def _supervise(self) -> None:
        home = self._settings.home.resolve()
        log = home / "logs" / "live.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        pause, events = FIRST_PAUSE, logger(home).bind(command="live")
        while not self._stopped.is_set():
            began = time.monotonic()
            with log.open("ab") as output:
                self._child = subprocess.Popen(
                    [sys.executable, "-S", str(LAUNCHER), str(os.getpid()), sys.executable, "-m", "pipelines", "live",
                     *self._options],
                    stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, cwd=REPOSITORY,
                    env=environment(self._settings), start_new_session=True,
                )  # fmt: skip
            self.lives += 1
            self._on_life(self.lives)
            events.info("life began", life=self.lives, process=self._child.pid)
            status = self._wait(self._child)
            self._tell_end(events, status, time.monotonic() - began)
            if status == TonearmError.exit_status:
                self.failure = last_line(log)
                return
            pause = FIRST_PAUSE if time.monotonic() - began > STEADY_SECONDS else min(2 * pause, LONGEST_PAUSE)
            self._stopped.wait(pause)

    def _tell_end(self, events: Any, status: int, seconds: float) -> None:
        if self._stopped.is_set():
            events.info("life ended", life=self.lives, seconds=round(seconds, 3), stopped=True)
        else:
            events.error("life ended", life=self.lives, seconds=round(seconds, 3), status=status)

    def _wait(self, child: "subprocess.Popen[bytes]") -> int:
        while not self._stopped.wait(0.2):
            if (status := child.poll()) is not None:
                return status
        child.terminate()
        try:
            child.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        return RetryableError.exit_status


def lock_path(home: Path) -> Path:
    """The file that says which process keeps the pipeline of a home alive."""
    return home.resolve() / "live.lock"


@contextmanager
def live_pipeline(settings: Settings, options: Sequence[str] = (), detached: bool = False) -> Iterator[Supervisor]:
    """The live pipeline as long as the block lasts; a `detached` one may be asked to stop by others."""
    supervisor = Supervisor(settings, options)
    # Where another process keeps one alive, this one takes over: its lives have higher numbers.
    with own(lock_path(settings.home), ("live",), supervisor=detached):
        supervisor.start()
        try:
            yield supervisor
        finally:
            supervisor.stop()


def environment(settings: Settings) -> dict[str, str]:
    """Settings as the variables that they are read from."""
    own = {name: value for name, value in settings.model_dump(mode="json").items() if value not in (None, "")}
    absolute = {"home": str(settings.home.resolve()), "toolchain": str(settings.toolchain.resolve())}
    return os.environ | {f"TONEARM_{name.upper()}": str(value) for name, value in (own | absolute).items()}
