"""Zip archives as they are downloaded: members are read in place, within declared bounds, and never written to disk.

A zip says how large its members are, and no more than that is unpacked of one; what it says is bounded here, so that a
small file cannot fill memory, or become millions of records.
"""

import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Literal

from schemas.errors import InputError

MAX_MEMBERS = 100_000
MAX_MEMBER_BYTES = 1 << 30
MAX_ARCHIVE_BYTES = 8 << 30
"""Of all members that are read, unpacked."""

MAX_RATIO = 200
"""Unpacked over packed size of a member; listening histories reach some twenty."""
_SMALL = 1 << 24

_ENCRYPTED = 0x1
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_NOT_WHOLE = "is no whole zip archive: download it again."


@dataclass(frozen=True)
class Member:
    """A file in a zip archive; opened like a path."""

    archive: Path
    info: zipfile.ZipInfo

    @property
    def name(self) -> str:
        """The file's name without its folders."""
        return PurePosixPath(self.info.filename).name

    @contextmanager
    def open(self, _mode: Literal["rb"] = "rb") -> Iterator[IO[bytes]]:
        """The unpacked bytes."""
        with zipfile.ZipFile(self.archive) as archive, archive.open(self.info) as stream:
            yield stream

    def __str__(self) -> str:
        name = self.info.filename
        return f"{self.archive}/{name if name.isprintable() else ascii(name)}"


ExportFile = Path | Member


@contextmanager
def opened(file: ExportFile) -> Iterator[IO[bytes]]:
    """The file's bytes as a stream; what goes wrong with the file while it is read is an InputError."""
    try:
        with file.open("rb") as stream:
            yield stream
    except (zipfile.BadZipFile, zlib.error, EOFError):
        raise InputError(f"{file} is damaged: download the archive again.") from None
    except OSError:
        raise InputError(f"{file} cannot be read: give yourself leave to read it, and try again.") from None


def is_archive(path: Path) -> bool:
    """Whether the file is a zip archive, by its name."""
    return path.suffix.lower() == ".zip" and not path.name.startswith(".") and path.is_file()


def members(archive: Path, chosen: Callable[[PurePosixPath], bool]) -> list[Member]:
    """The members that `chosen` takes by name, by name; raises InputError when the archive is not to be read."""
    try:
        with zipfile.ZipFile(archive) as opened_archive:
            infos = opened_archive.infolist()
    except (zipfile.BadZipFile, EOFError, NotImplementedError, ValueError):
        raise InputError(f"{archive} {_NOT_WHOLE}") from None
    except OSError:
        raise InputError(f"{archive} cannot be read: give yourself leave to read it, and try again.") from None
    if len(infos) > MAX_MEMBERS:
        raise InputError(f"{archive} holds more than {MAX_MEMBERS:,} files, as no export does: unpack what is yours.")
    found = []
    for info in sorted(infos, key=lambda one: one.filename):
        path = PurePosixPath(info.filename.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts:
            raise InputError(f"{archive} names a file outside itself, as no export does: it is not to be trusted.")
        if not info.is_dir() and not _is_hidden(path) and chosen(path):
            found.append(Member(archive, info))
    _check(archive, found)
    return found


def _is_hidden(path: PurePosixPath) -> bool:
    """What macOS adds to an archive, and files that begin with a dot."""
    return any(part.startswith(".") or part == "__MACOSX" for part in path.parts)


def _check(archive: Path, found: list[Member]) -> None:
    for member in found:
        info = member.info
        if info.flag_bits & _ENCRYPTED:
            raise InputError(f"{archive} is encrypted: unpack it with its password and give the folder.")
        if info.compress_type not in _METHODS:
            raise InputError(f"{archive} is packed in a way that exports are not: unpack it and give the folder.")
        if info.file_size > min(MAX_MEMBER_BYTES, MAX_RATIO * info.compress_size + _SMALL):
            raise InputError(
                f"{member} would be {info.file_size:,} bytes of {info.compress_size:,} packed ones, as in no export: "
                "unpack the archive and give the folder, if you trust it."
            )
    if sum(member.info.file_size for member in found) > MAX_ARCHIVE_BYTES:
        raise InputError(
            f"{archive} would unpack to more than {MAX_ARCHIVE_BYTES >> 30} GiB: unpack it and give the folder, if you "
            "trust it."
        )
