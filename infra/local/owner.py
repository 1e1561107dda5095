"""Who holds a home's stack: one process at a time, by a file lock that the kernel drops when the holder dies."""

import fcntl
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from infra.local.record import ProcessId


@dataclass(frozen=True)
class Owner:
    """The process that started the stack; it stops the servers when it ends."""

    process: ProcessId
    services: tuple[str, ...]
    supervisor: bool  # `tonearm up`, which may be asked to stop, and not a run that needs the stores for itself

    @property
    def runs(self) -> bool:
        """Whether that very process is still there."""
        return self.process.find() is not None


def lock_path(home: Path) -> Path:
    """The file that is locked; it tells who locked it last."""
    return home / "stack" / "lock"


@contextmanager
def own_stack(home: Path, services: Sequence[str], *, supervisor: bool) -> Iterator[Owner | None]:
    """Hold the lock of a home, or yield None where another process holds it."""
    path = lock_path(home)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield None
            return
        owner = Owner(ProcessId.of(os.getpid()), tuple(services), supervisor)
        file.seek(0)
        file.truncate()
        file.write(json.dumps(asdict(owner)))
        file.flush()
        try:
            yield owner
        finally:
            file.truncate(0)


def current_owner(home: Path) -> Owner | None:
    """The process that holds a home's stack, where it still runs."""
    try:
        fields = json.loads(lock_path(home).read_text())
        owner = Owner(ProcessId(**fields["process"]), tuple(fields["services"]), fields["supervisor"])
    except (FileNotFoundError, ValueError, TypeError, KeyError):
        return None
    return owner if owner.runs else None
