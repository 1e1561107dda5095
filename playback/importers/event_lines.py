"""Newline-JSON of the platform's own events: an object a line, with the fields of `schemas.events.CURRENT` as keys."""

from collections.abc import Iterator
from pathlib import PurePath

from playback.importers.archives import ExportFile
from playback.importers.lines import read_json_lines
from playback.importers.own_events import from_objects
from playback.importers.rows import Batch, Listener, grouped

FILES = "<any name>.ndjson"


def claims(path: PurePath) -> bool:
    """Whether the file is newline-JSON, by its name."""
    return path.suffix.lower() == ".ndjson"


def read(file: ExportFile, listener: Listener) -> Iterator[Batch]:
    """Events and rejects of the file. Raises InputError when it cannot be read, or its last line breaks off."""
    for rows, originals in grouped(read_json_lines(file)):
        yield from_objects(rows, originals, listener)
