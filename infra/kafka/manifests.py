"""What producers meant to send and what the broker acknowledged: the *sent* side of the balance sheet.

A manifest is a journal at `<home>/manifests/<manifest_id>.jsonl`, one JSON object a line, each on disk before the
producer goes on. The first line says what is sent where; a batch is planned before its first message leaves and
acknowledged after its last answer. A producer killed at any moment thus leaves its doubt in writing: what was planned
and not acknowledged may or may not have arrived. No names and no content of records stand in it.
"""

import json
import os
import secrets
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from schemas.errors import InputError

Source = Literal["import", "simulate", "replay"]
HourCounts = Mapping[str, Mapping[int, int]]
"""Messages by UTC hour of the broker's append time (`2026-11-23T03`) and by partition."""


@dataclass(frozen=True)
class Manifest:
    """What one producer sent to one topic. Counts are messages; events + rejects = planned.

    `subject` names what was sent, where a source can be asked to send the same again (of a simulation its id), and
    `whole_batches` how many of its batches need not be: every message of them was acknowledged.
    """

    manifest_id: str
    source: str
    subject: str
    started_at: datetime
    topic: str
    topic_id: str
    events: int = 0
    rejects: int = 0
    acknowledged: int = 0
    whole_batches: int = 0
    finished_at: datetime | None = None
    by_hour_and_partition: HourCounts = field(default_factory=dict)
    in_doubt_by_hour: Mapping[str, int] = field(default_factory=dict)

    @property
    def planned(self) -> int:
        """Messages the producer meant to send."""
        return self.events + self.rejects

    @property
    def in_doubt(self) -> int:
        """Messages planned and not acknowledged: they may or may not be on the topic."""
        return self.planned - self.acknowledged

    @property
    def finished(self) -> bool:
        """Whether the producer came to its end with every message acknowledged."""
        return self.finished_at is not None

    @property
    def by_hour(self) -> dict[str, int]:
        """Acknowledged messages by UTC hour of the append time."""
        return {hour: sum(counts.values()) for hour, counts in self.by_hour_and_partition.items()}

    @property
    def by_partition(self) -> dict[int, int]:
        """Acknowledged messages by partition."""
        total: Counter[int] = Counter()
        for counts in self.by_hour_and_partition.values():
            total.update(counts)
        return dict(total)


class Journal:
    """A manifest being written. Every method returns when its line is on disk."""

    def __init__(self, home: Path, source: Source, topic: str, topic_id: str, subject: str = "") -> None:
        """Begin a manifest of that source for that topic."""
        started = datetime.now(UTC)
        self.manifest_id = f"{started:%Y%m%dT%H%M%S%f}-{secrets.token_hex(4)}"
        folder = _folder(home)
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / f"{self.manifest_id}.jsonl"
        self._file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        self._batch = -1
        header = {"manifest_id": self.manifest_id, "source": source, "subject": subject}
        self._write({**header, "started_at": started.isoformat(), "topic": topic, "topic_id": topic_id})
        _sync_folder(folder)

    def plan(self, events: int, rejects: int) -> None:
        """Say how many messages of each kind the next batch will send."""
        self._batch += 1
        line = {"batch": self._batch, "planned": events + rejects, "events": events, "rejects": rejects}
        self._write({**line, "at": datetime.now(UTC).isoformat()})

    def acknowledge(self, by_hour: HourCounts) -> None:
        """Say what the broker acknowledged of the batch planned last."""
        total = sum(sum(counts.values()) for counts in by_hour.values())
        self._write({"batch": self._batch, "acknowledged": total, "by_hour": by_hour})

    def finish(self) -> None:
        """Say that the producer came to its end."""
        self._write({"finished": datetime.now(UTC).isoformat()})

    def close(self) -> None:
        """Close the file; what was written stays."""
        os.close(self._file)

    def _write(self, line: Mapping[str, Any]) -> None:
        """Append a line, whole or not at all: on a full disk the system takes a part of it without an error."""
        before, rest = os.fstat(self._file).st_size, json.dumps(line).encode() + b"\n"
        try:
            while rest:
                rest = rest[os.write(self._file, rest) :]
            os.fsync(self._file)
        except OSError:
            os.ftruncate(self._file, before)
            raise


def read_manifests(home: Path) -> list[Manifest]:
    """All manifests below that home, oldest first, but for those whose first line was never finished.

    Raises InputError when a journal is damaged elsewhere than in its last line.
    """
    read = [read_manifest(path) for path in sorted(_folder(home).glob("*.jsonl"))]
    return [one for one in read if one is not None]


def read_manifest(path: Path) -> Manifest | None:
    """One journal; None when not even its first line is whole. A torn last line counts as not written."""
    whole, _, _torn = path.read_bytes().rpartition(b"\n")
    if not whole:
        return None
    try:
        header, *lines = map(json.loads, whole.split(b"\n"))
        return _fold(header, lines)
    except (ValueError, KeyError, TypeError):
        raise InputError(f"The manifest {path} is damaged: bring it back from a backup, or move it away.") from None


def _fold(header: dict[str, Any], lines: list[dict[str, Any]]) -> Manifest:
    plans = [line for line in lines if "planned" in line]
    answers = {line["batch"]: line for line in lines if "acknowledged" in line}
    counts: dict[str, Counter[int]] = {}
    for answer in answers.values():
        for hour, partitions in answer["by_hour"].items():
            counts.setdefault(hour, Counter()).update({int(one): n for one, n in partitions.items()})
    doubt: Counter[str] = Counter()
    for plan in plans:
        answered = answers.get(plan["batch"], {"acknowledged": 0})["acknowledged"]
        doubt[plan["at"][:13]] += plan["planned"] - answered
    finished = [datetime.fromisoformat(line["finished"]) for line in lines if "finished" in line]
    return Manifest(
        manifest_id=header["manifest_id"],
        source=header["source"],
        subject=header["subject"],
        started_at=datetime.fromisoformat(header["started_at"]),
        topic=header["topic"],
        topic_id=header["topic_id"],
        events=sum(plan["events"] for plan in plans),
        rejects=sum(plan["rejects"] for plan in plans),
        acknowledged=sum(answer["acknowledged"] for answer in answers.values()),
        whole_batches=sum(answers.get(plan["batch"], {}).get("acknowledged") == plan["planned"] for plan in plans),
        finished_at=finished[0] if finished else None,
        by_hour_and_partition={hour: dict(partitions) for hour, partitions in counts.items()},
        in_doubt_by_hour={hour: n for hour, n in doubt.items() if n},
    )


def _folder(home: Path) -> Path:
    return home / "manifests"


def _sync_folder(folder: Path) -> None:
    """Make the new file's name as durable as its content."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
