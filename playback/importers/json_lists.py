"""Exports that are one JSON list: read whole, with the bytes of the rows that are no event."""

import re
from collections.abc import Iterator
from functools import partial

import orjson

from playback.importers.archives import ExportFile, opened
from playback.importers.rows import BATCH_ROWS, Batch, Listener, Naming, Understand
from schemas.errors import InputError

MAX_BYTES = 1 << 28
"""Such exports come in files of a few megabytes; a larger one would take a multiple of itself in memory."""

_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*+"|[\[\]{},]', re.DOTALL)


def read_list(file: ExportFile, family: str, listener: Listener, understand: Understand) -> Iterator[Batch]:
    """Yield the rows of a JSON list as batches.

    Raises InputError when the file cannot be read, is too large, is no JSON, or is no list.
    """
    raw = _bytes(file)
    rows = _parse(file, raw)
    naming = Naming(family, listener, understand)
    spans: list[tuple[int, int]] = []

    def original(start: int, index: int) -> bytes:
        if not spans:
            spans.extend(row_spans(raw))
        first, end = spans[start + index]
        return raw[first:end]

    for start in range(0, len(rows), BATCH_ROWS):
        yield naming.batch(rows[start : start + BATCH_ROWS], partial(original, start))


def row_spans(raw: bytes) -> list[tuple[int, int]]:
    """Start and end of each element's bytes in a valid JSON list, without the white space around it."""
    spans = []
    depth, start = 0, 0
    for token in _TOKEN.finditer(raw):
        sign = token.group()
        if sign in (b"]", b"}"):
            depth -= 1
        at_end = depth == 0 and sign == b"]"
        if at_end or (depth == 1 and sign == b","):
            piece = raw[start : token.start()]
            left = len(piece) - len(piece.lstrip())
            spans.append((start + left, start + len(piece.rstrip())))
            start = token.end()
        if sign in (b"[", b"{"):
            depth += 1
            start = token.end() if depth == 1 else start
    return spans


def _bytes(file: ExportFile) -> bytes:
    with opened(file) as stream:
        raw = stream.read(MAX_BYTES + 1)
    if len(raw) > MAX_BYTES:
        raise InputError(f"{file} is larger than any file of such an export: give the file as it came.")
    return raw.removeprefix(b"\xef\xbb\xbf")


def _parse(file: ExportFile, raw: bytes) -> list[object]:
    try:
        rows = orjson.loads(raw.decode())
    except UnicodeDecodeError as error:
        raise InputError(_broken(file, error.start)) from None
    except orjson.JSONDecodeError as error:
        raise InputError(_broken(file, len(error.doc[: error.pos].encode(errors="replace")))) from None
    if not isinstance(rows, list):
        raise InputError(f"{file} is JSON but no list of playbacks: give the file as it came in the export.")
    return rows


def _broken(file: ExportFile, position: int) -> str:
    return f"{file} is no whole JSON file (it breaks at byte {position}): unpack or download the export again."
