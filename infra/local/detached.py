"""The stack without a terminal: a supervisor process of its own, and waiting for what another process starts."""

import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

from infra.local.owner import current_owner
from infra.local.process import telling_line
from infra.local.record import running_record
from infra.settings import REPOSITORY, Settings
from schemas.errors import ConfigurationError, StoreUnavailableError, TonearmError

PATIENCE = 150.0  # seconds for a stack to come up: a little more than each server is given


def wait_for_owner(settings: Settings, wanted: Sequence[str]) -> None:
    """Return when the services run that another process is starting.

    Raises:
        ConfigurationError: that process does not start all of them.
        StoreUnavailableError: it ended, or did not bring them up.
    """
    home, deadline = settings.home.resolve(), time.monotonic() + PATIENCE
    while not all(running_record(home, name) for name in wanted):
        owner = current_owner(home)
        if owner and (missing := [name for name in wanted if name not in owner.services]):
            raise ConfigurationError(
                f"The local stack of process {owner.process.pid} has no {' and no '.join(missing)}: "
                "stop it with `tonearm down`, then try again."
            )
        if owner is None or time.monotonic() > deadline:
            raise StoreUnavailableError(
                f"The local stack did not come up: {telling_line(home / 'logs' / 'stack.log')} (logs: {home / 'logs'})"
            )
        time.sleep(0.2)


def spawn_supervisor(settings: Settings, wanted: Sequence[str], on_progress: Callable[[str, str], None]) -> None:
    """Start a supervisor of these services and return when all are ready.

    Raises:
        TonearmError: what the supervisor said when it could not start them.
    """
    home = settings.home.resolve()
    log = home / "logs" / "stack.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    absolute = settings.model_copy(update={"home": home, "toolchain": settings.toolchain.resolve()})
    with log.open("wb") as output:
        supervisor = subprocess.Popen(
            [sys.executable, "-m", "infra.local.supervisor", *wanted],
            stdin=subprocess.PIPE, stdout=output, stderr=subprocess.STDOUT, cwd=REPOSITORY, start_new_session=True,
        )  # fmt: skip
    assert supervisor.stdin is not None
    supervisor.stdin.write(absolute.model_dump_json().encode())
    supervisor.stdin.close()
    ready: set[str] = set()
    try:
        while len(ready) < len(wanted):
            if supervisor.poll() is not None:
                _raise_what_it_said(supervisor.returncode, log)
            for name in set(wanted) - ready:
                if running_record(home, name):
                    ready.add(name)
                    on_progress(name, "ready")
            time.sleep(0.1)
        supervisor.returncode = 0  # it stays, and nobody here waits for it
    except KeyboardInterrupt:
        supervisor.terminate()
        supervisor.wait()
        raise


def _raise_what_it_said(exit_status: int, log: Path) -> NoReturn:
    said = log.read_text().strip().splitlines() or [f"the supervisor ended with status {exit_status}"]
    fatal = exit_status != StoreUnavailableError.exit_status
    kind: type[TonearmError] = ConfigurationError if fatal else StoreUnavailableError
    raise kind(said[-1])
