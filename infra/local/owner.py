"""Who holds something of a home, as its stack: one process at a time, by a lock that the kernel drops when it dies."""

import fcntl
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from infra.local.record import ProcessId


@dataclass(frozen=True)
class Owner:
    """The process that started it, and with which what it started ends."""

    process: ProcessId
    services: tuple[str, ...]
    supervisor: bool  # it stands for itself (`tonearm up`) and may be asked to stop; a run needs the stores for itself

    @property
    def runs(self) -> bool:
        """Whether that very process is still there."""
        return self.process.find() is not None


def lock_path(home: Path) -> Path:
    """The file that is locked; it tells who locked it last."""
    return home / "stack" / "lock"


def own_stack(home: Path, services: Sequence[str], *, supervisor: bool) -> AbstractContextManager[Owner | None]:
    """Hold the lock of a home's stack, or yield None where another process holds it."""
    return own(lock_path(home), services, supervisor=supervisor)


def current_owner(home: Path) -> Owner | None:
    """The process that holds a home's stack, where it still runs."""
    return owner_of(lock_path(home))


@contextmanager
def own(path: Path, services: Sequence[str], *, supervisor: bool) -> Iterator[Owner | None]:
    """Hold the lock of a file, or yield None where another process holds it."""
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


def owner_of(path: Path) -> Owner | None:
    """The process that holds the lock of a file, where it still runs."""
    try:
        fields = json.loads(path.read_text())
        owner = Owner(ProcessId(**fields["process"]), tuple(fields["services"]), fields["supervisor"])
    except (FileNotFoundError, ValueError, TypeError, KeyError):
        return None
    return owner if owner.runs else None
