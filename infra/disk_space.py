"""A full disk, whoever met it: the engine, the Delta library, SQLite or Python itself."""

import errno
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from schemas.errors import DiskFullError

_NUMBERS = (errno.ENOSPC, errno.EDQUOT)
_SAYINGS = ("No space left on device", "Disk quota exceeded", "database or disk is full", "StorageFull")
"""What the system, quotas, SQLite and the engines' own libraries call it."""


def is_full_disk(error: BaseException) -> bool:
    """Whether the error comes of a full disk."""
    return any(_says_so(one) for one in _causes(error))


def full_disk(error: BaseException, home: Path) -> DiskFullError | None:
    """The sentence for it, if the error comes of a full disk; `home` is where most is written."""
    if not is_full_disk(error):
        return None
    # Any of the home's folders can be a mount of its own.
    folders = [place for place in home.glob("*") if place.is_dir()] if home.is_dir() else []
    places = [*folders, Path(tempfile.gettempdir())]
    fullest = min(places, key=lambda place: shutil.disk_usage(place).free)
    free = shutil.disk_usage(fullest).free
    return DiskFullError(
        f"The disk is full: {free // 2**20} MiB are free at {fullest}; free some space and run the same command again, "
        "which goes on where this one stopped."
    )


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what it came of."""
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        one = waiting.pop()
        if one is not None and id(one) not in seen:
            seen.add(id(one))
            yield one
            waiting += [one.__cause__, one.__context__]


def _says_so(error: BaseException) -> bool:
    if isinstance(error, OSError) and error.errno in _NUMBERS:
        return True
    return any(saying in str(error) for saying in _SAYINGS)
