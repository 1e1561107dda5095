"""Exports that are CSV: cut from a stream into records, whatever the stream holds."""

import csv
from collections.abc import Iterator

from playback.importers.archives import ExportFile
from playback.importers.lines import is_utf8, read_lines
from schemas.errors import InputError

Record = tuple[list[str] | None, bytes]
"""The fields of a record, None where it is no CSV or no UTF-8, and its bytes."""


def read_records(file: ExportFile) -> Iterator[Record]:
    """The records of a CSV but for blank lines; raises InputError where its last one breaks off."""
    taken: list[bytes] = []
    at_end = False

    def lines() -> Iterator[str]:
        nonlocal at_end
        for line, _ in read_lines(file):
            taken.append(line)
            yield line.decode(errors="surrogateescape") + "\n"
        at_end = True

    reader = csv.reader(lines(), strict=True)
    while True:
        taken.clear()
        try:
            fields: list[str] | None = next(reader, None)
            if fields is None:
                return
        except csv.Error:
            if at_end:
                raise InputError(f"{file} breaks off in its last row: download or export it again.") from None
            fields = None
        original = b"\n".join(taken)
        if fields is None or any(fields):
            yield (fields if is_utf8(original) else None), original
