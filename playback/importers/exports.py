"""Find the files of an export and the importer of each."""

from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Protocol, cast

import playback.importers
from playback.importers.rows import Batch
from schemas.errors import InputError


class Importer(Protocol):
    """What an importer module provides; see the package."""

    FILES: str

    def claims(self, path: Path) -> bool:
        """Whether the file is of this importer's kind."""

    def read(self, path: Path, user_id: str) -> Iterator[Batch]:
        """Events and rejects of the file; raises InputError when the file as a whole cannot be read."""


@cache
def importers() -> tuple[Importer, ...]:
    """All importers, by module name."""
    names = sorted(module.name for module in iter_modules(playback.importers.__path__))
    modules = [import_module(f"playback.importers.{name}") for name in names]
    return tuple(cast(Importer, module) for module in modules if hasattr(module, "claims"))


def find_exports(path: Path) -> list[tuple[Importer, Path]]:
    """The export files at `path` (a file, or a folder that holds them), by name, each with its importer.

    A folder's subfolders are not searched: each may be another listener. Raises InputError when there is nothing.
    """
    if not path.exists():
        raise InputError(f"There is no {path}: give the folder of an export, or one of its files.")
    if path.is_file():
        found = _claimed([path])
        if not found:
            raise InputError(f"{path} is {_instead(path)}")
        return found
    try:
        inside = sorted(path.iterdir())
    except OSError:
        raise InputError(f"The folder {path} cannot be opened: give yourself leave to read it.") from None
    return _claimed(inside) or _explain_nothing(path, inside)


def _claimed(paths: list[Path]) -> list[tuple[Importer, Path]]:
    files = [path for path in paths if path.is_file()]
    return [(one, path) for path in files for one in importers() if one.claims(path)]


def _instead(path: Path) -> str:
    if path.suffix.lower() == ".zip":
        return "a zip archive: unpack it first and give the folder."
    return f"no export file that is known here: it looks for {_names()}."


def _names() -> str:
    return ", ".join(one.FILES for one in importers())


def _explain_nothing(folder: Path, inside: list[Path]) -> list[tuple[Importer, Path]]:
    """Raise the InputError that fits a folder without export files."""
    if not inside:
        raise InputError(f"The folder {folder} is empty: give the folder that holds the export's files.")
    for child in inside:
        if child.is_dir() and _claimed(sorted(child.iterdir())):
            raise InputError(f"The export is one folder deeper, in {child}: import each such folder by itself.")
    archives = [child for child in inside if child.suffix.lower() == ".zip"]
    if archives:
        raise InputError(f"{archives[0]} is {_instead(archives[0])}")
    raise InputError(f"The folder {folder} holds no export file that is known here: it looks for {_names()}.")
