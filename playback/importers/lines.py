"""Exports that are lines: cut from a stream in bounded memory, whatever the stream holds."""

from collections.abc import Iterator

import orjson

from playback.importers.archives import ExportFile, opened
from schemas.errors import InputError

MAX_LINE_BYTES = 1 << 20
"""A longer line is cut there, and is thus no JSON object and no row any more."""

_CHUNK_BYTES = 1 << 18
_MARK = b"\xef\xbb\xbf"


class Lines:
    """Cuts chunks of bytes into lines."""

    def __init__(self) -> None:
        """Nothing was fed."""
        self._rest = bytearray()

    def feed(self, chunk: bytes) -> list[bytes]:
        """The lines that end in this chunk, without their newlines."""
        first, *others = chunk.split(b"\n")
        self._keep(first)
        if not others:
            return []
        *whole, rest = others
        found = [bytes(self._rest), *(one[:MAX_LINE_BYTES] for one in whole)]
        self._rest.clear()
        self._keep(rest)
        return found

    @property
    def rest(self) -> bytes:
        """What was fed after the last newline."""
        return bytes(self._rest)

    def _keep(self, piece: bytes) -> None:
        self._rest += piece[: MAX_LINE_BYTES - len(self._rest)]


def read_lines(file: ExportFile) -> Iterator[tuple[bytes, bool]]:
    """Each line of a file without its newline, and whether it had one; a byte order mark is no part of the first.

    Raises InputError when the file cannot be read.
    """
    lines = Lines()
    mark = _MARK
    with opened(file) as stream:
        while chunk := stream.read(_CHUNK_BYTES):
            for line in lines.feed(chunk):
                yield line.removeprefix(mark), True
                mark = b""
    if lines.rest.removeprefix(mark):
        yield lines.rest.removeprefix(mark), False


def read_json_lines(file: ExportFile) -> Iterator[tuple[object, bytes]]:
    """The value and the bytes of each line that is not blank; a line that is no JSON has the value None.

    Raises InputError when the file cannot be read, or its last line breaks off.
    """
    for line, ended in read_lines(file):
        if not line.strip():
            continue
        value = parsed(line)
        if value is None and not ended and line.strip() != b"null":
            raise InputError(f"{file} breaks off in its last line: unpack or download the export again.")
        yield value, line


def parsed(line: bytes) -> object:
    """The JSON value of a line; None where it is none."""
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError:
        return None


def is_utf8(raw: bytes) -> bool:
    """Whether the bytes are text."""
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True
