"""Find the files of an export and the importer of each."""

from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path, PurePath
from pkgutil import iter_modules
from typing import Protocol, cast

import playback.importers
from playback.importers.archives import ExportFile, is_archive, members
from playback.importers.rows import Batch, Listener
from schemas.errors import InputError


class Importer(Protocol):
    """What an importer module provides; see the package."""

    FILES: str

    def claims(self, path: PurePath) -> bool:
        """Whether the file is of this importer's kind."""

    def read(self, file: ExportFile, listener: Listener) -> Iterator[Batch]:
        """Events and rejects of the file; raises InputError when the file as a whole cannot be read."""


Found = list[tuple[Importer, ExportFile]]


@cache
def importers() -> tuple[Importer, ...]:
    """All importers, by module name."""
    names = sorted(module.name for module in iter_modules(playback.importers.__path__))
    modules = [import_module(f"playback.importers.{name}") for name in names]
    return tuple(cast(Importer, module) for module in modules if hasattr(module, "claims"))


def find_exports(path: Path) -> Found:
    """The export files at `path`, by name, each with its importer: of a file, a zip archive, or a folder of both.

    A folder's subfolders are not searched, but for those that an export has of its own: each may be another listener.
    Raises InputError when there is nothing.
    """
    if not path.exists():
        raise InputError(f"There is no {path}: give the folder of an export, or one of its files.")
    if is_archive(path):
        found = _in_archive(path)
        if not found:
            raise InputError(f"The archive {path} holds no export file that is known here: it looks for {_names()}.")
        return found
    if path.is_file():
        found = _claimed([path])
        if not found:
            raise InputError(f"{path} is no export file that is known here: it looks for {_names()}.")
        return found
    return _in_folder(path) or _explain_nothing(path)


def find_listeners(folder: Path) -> list[Path]:
    """The exports in a folder that holds one of each listener, by name: its subfolders and zip archives.

    Raises InputError when there is none, or when export files lie beside them, as nobody could say whose they are.
    """
    if not folder.is_dir():
        raise InputError(f"{folder} is no folder: give one that holds a folder or a zip archive for each listener.")
    inside = _inside(folder)
    loose = _claimed(inside)
    if loose:
        raise InputError(f"{loose[0][1]} is in no listener's folder: move it into one, or import it by itself.")
    found = [one for one in inside if is_archive(one) or (one.is_dir() and not one.name.startswith("."))]
    if not found:
        raise InputError(f"The folder {folder} holds no folder and no zip archive: give one that has one per listener.")
    return found


def _in_folder(folder: Path) -> Found:
    inside = _inside(folder)
    within = [path for one in importers() for glob in getattr(one, "WITHIN", ()) for path in sorted(folder.glob(glob))]
    archives = [one for path in inside if is_archive(path) for one in _in_archive(path)]
    return [*_claimed([*inside, *within]), *archives]


def _in_archive(archive: Path) -> Found:
    claimed = members(archive, lambda path: any(one.claims(path) for one in importers()))
    paths = [(PurePath(member.info.filename.replace("\\", "/")), member) for member in claimed]
    return [(one, member) for path, member in paths for one in importers() if one.claims(path)]


def _claimed(paths: list[Path]) -> Found:
    files = [path for path in paths if path.is_file() and not path.name.startswith(".")]
    return [(one, path) for path in files for one in importers() if one.claims(path)]


def _inside(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        raise InputError(f"The folder {folder} cannot be opened: give yourself leave to read it.") from None


def _names() -> str:
    return ", ".join(one.FILES for one in importers())


def _explain_nothing(folder: Path) -> Found:
    """Raise the InputError that fits a folder without export files."""
    inside = _inside(folder)
    if not inside:
        raise InputError(f"The folder {folder} is empty: give the folder that holds the export's files.")
    for child in inside:
        if child.is_dir() and _in_folder(child):
            raise InputError(
                f"The export is one folder deeper, in {child}: import that folder, or every folder here as a listener "
                "of its own with `tonearm import --each`."
            )
    if any(is_archive(child) for child in inside):
        raise InputError(f"The archives in {folder} hold no export file that is known here: it looks for {_names()}.")
    raise InputError(f"The folder {folder} holds no export file that is known here: it looks for {_names()}.")
