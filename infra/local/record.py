"""What the stack remembers of each server it started, in `<home>/stack/<service>.json`.

A process is known by its id *and* its start time, so that an id used again by the system is never mistaken for it.
"""

import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import psutil


@dataclass(frozen=True)
class ProcessId:
    """A process as the system knew it when it was started: its id, and its start in seconds since the epoch."""

    pid: int
    create_time: float

    @classmethod
    def of(cls, pid: int) -> "ProcessId":
        """The running process of that id."""
        return cls(pid, psutil.Process(pid).create_time())

    def find(self) -> psutil.Process | None:
        """The process, where it still runs and is the same one."""
        try:
            process = psutil.Process(self.pid)
            # the kernel's boot time, which the start is counted from, may be corrected by fractions of a second
            same = abs(process.create_time() - self.create_time) < 1 and process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return None
        return process if same else None


@dataclass(frozen=True)
class ServiceRecord:
    """One server: its ports by name, and, while it should be running, its process and its owner's."""

    service: str
    ports: dict[str, int]
    log: str
    data: str
    started_at: str = ""  # UTC, ISO 8601
    process: ProcessId | None = None
    owner: ProcessId | None = None
    ready: bool = field(default=False)

    @property
    def port(self) -> int:
        """The port that clients use."""
        return self.ports["port"]

    def find(self) -> psutil.Process | None:
        """The server's process, where it runs."""
        return self.process.find() if self.process else None

    def stopped(self) -> "ServiceRecord":
        """The same record after a clean stop: ports are kept for the next start."""
        return replace(self, process=None, owner=None, ready=False)


def record_path(home: Path, service: str) -> Path:
    """Where a service's record lies."""
    return home / "stack" / f"{service}.json"


def read_record(home: Path, service: str) -> ServiceRecord | None:
    """A service's record, or None where there is none that can be read."""
    try:
        fields = json.loads(record_path(home, service).read_text())
        for name in ("process", "owner"):
            fields[name] = ProcessId(**fields[name]) if fields[name] else None
        return ServiceRecord(**fields)
    except (FileNotFoundError, ValueError, TypeError, KeyError):
        return None


def write_record(home: Path, record: ServiceRecord) -> None:
    """Write a record whole: a reader sees the old or the new one."""
    path = record_path(home, record.service)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".draft")
    draft.write_text(json.dumps(asdict(record), indent=1))
    draft.replace(path)


def running_record(home: Path, service: str) -> ServiceRecord | None:
    """The record of a service that was ready and still runs, with its owner."""
    record = read_record(home, service)
    if record is None or not record.ready or record.find() is None:
        return None
    return record if record.owner and record.owner.find() else None
