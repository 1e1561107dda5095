"""Files that processes left behind when they died, and how much room files take."""

import re
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

# Unfinished commits and data files of `deltalake`, unfinished state files of `infra.replace_file`.
_TEMPORARY = re.compile(r"_commit_.*\.tmp|.*\.parquet#\d+|\..*\.json\.\d+")


@dataclass(frozen=True)
class Removal:
    """Files that were removed (of a dry run: would be) and their bytes."""

    files: int = 0
    bytes: int = 0

    def __add__(self, other: "Removal") -> "Removal":
        """Both."""
        return Removal(self.files + other.files, self.bytes + other.bytes)


def remove_leftovers(folder: Path, retention: timedelta, dry_run: bool = False) -> Removal:
    """Remove temporary files below `folder`, and checksums of files that are gone, when older than `retention`."""
    oldest = (datetime.now(UTC) - retention).timestamp()
    chosen = [file for file in _leftovers(folder) if _is_older(file, oldest)]
    gone = room(chosen)
    if not dry_run:
        for file in chosen:
            file.unlink(missing_ok=True)
    return gone


def remove_folder(folder: Path) -> Removal:
    """Remove a folder and what is in it; another process may be doing the same."""
    gone = room(folder.rglob("*"))
    shutil.rmtree(folder, ignore_errors=True)
    return gone


def room(paths: Iterable[Path]) -> Removal:
    """Number and bytes of those files that are there."""
    total = Removal()
    for path in paths:
        try:
            total += Removal(1, path.stat().st_size) if path.is_file() else Removal()
        except FileNotFoundError:
            continue
    return total


def _leftovers(folder: Path) -> Iterator[Path]:
    for file in folder.rglob("*"):
        checked = file.with_name(file.name[1:].removesuffix(".crc") or file.name)
        is_orphan = file.name.startswith(".") and file.name.endswith(".crc") and not checked.exists()
        if is_orphan or _TEMPORARY.fullmatch(file.name):
            yield file


def _is_older(file: Path, moment: float) -> bool:
    try:
        return file.stat().st_mtime < moment
    except FileNotFoundError:
        return False
