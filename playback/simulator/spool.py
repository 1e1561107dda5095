"""Messages of many blocks wait on disk until all blocks are made, and come back in the order of sending."""

import tempfile
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from playback.simulator.catalogue import Ints
from playback.simulator.delivery import MESSAGE, Messages
from schemas.errors import ConfigurationError

SLICE_MESSAGES = 400_000
"""About as many messages are read back at once."""

_CELLS = 20_000
_LAST_DAYS_MS = 7 * 86_400_000
"""No message is held back longer; were one, it would only make the last slice larger."""


class Spool:
    """Blocks of messages in a file without a name, which is gone with the process whatever ends it.

    The time of sending is divided into cells; how many messages each block has in each says where a slice begins.
    """

    def __init__(self, history_ms: int, folder: Path | None = None) -> None:
        """An empty one in `folder`, by default that of the system for temporary files (`TMPDIR`).

        Raises ConfigurationError when no file can be made there.
        """
        self._cell_ms = (history_ms + _LAST_DAYS_MS) // _CELLS + 1
        with _writing():
            self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115
        self._closing = weakref.finalize(self, self._file.close)
        self._size = 0
        self._blocks: list[tuple[int, Ints]] = []

    def add(self, messages: Messages) -> None:
        """Keep the messages of one block, by time of sending; raises ConfigurationError when the disk is full."""
        cells = np.minimum(messages["sent_ms"] // self._cell_ms, _CELLS - 1)
        self._blocks.append((self._size, np.searchsorted(cells, np.arange(_CELLS + 1)).astype(np.int32)))
        with _writing():
            self._file.write(messages.data)
            self._file.flush()
        self._size += len(messages)

    def slices(self) -> Iterator[Messages]:
        """All messages by time of sending, at the same moment by block, in slices."""
        through: Ints = np.array([bounds for _, bounds in self._blocks], np.int64).sum(axis=0)
        cell = 0
        while cell < _CELLS:
            # At least one cell, and as many more as stay within the size.
            end = max(int(np.searchsorted(through, through[cell] + SLICE_MESSAGES, side="right")) - 1, cell + 1)
            found = np.concatenate([self._read(first, bounds[cell], bounds[end]) for first, bounds in self._blocks])
            if len(found):
                yield found[np.argsort(found["sent_ms"], kind="stable")]
            cell = end

    def close(self) -> None:
        """Give the space back."""
        self._closing()

    def _read(self, first: int, start: int, end: int) -> Messages:
        self._file.seek((first + int(start)) * MESSAGE.itemsize)
        return np.fromfile(self._file, MESSAGE, int(end - start))


@contextmanager
def _writing() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ConfigurationError(
            f"The history cannot be kept in the folder for temporary files ({error.strerror}): make room there, or "
            "name another folder in TMPDIR."
        ) from None
