"""Repeats of an event by its id, within minutes of append time."""

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.transforms.rules import MINUTE_US, Times

Hashes = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
_CHUNKS = 8
_SLACK_MINUTES = 2


def id_hashes(event_id: pa.StringArray) -> Hashes:
    """64-bit keyed hashes of the ids, the same throughout this process; null is the hash of an empty id."""
    ids = event_id.fill_null("").cast(pa.binary()).to_pylist()
    return np.fromiter(map(hash, ids), np.int64, len(ids))


class SeenEvents:
    """Ids by the minute in which they were appended; sorted chunks, which numpy searches 28 million times a second.

    A record repeats an event when one of its id was given to `repeats` before it, appended in the same minute or at
    most `minutes` earlier, itself a repeat or not. So a verdict depends on that much of the log and nothing else.
    """

    def __init__(self, minutes: int) -> None:
        self._minutes = minutes
        self._chunks: dict[int, list[Hashes]] = {}

    def repeats(self, ids: Hashes, appended_us: Times) -> Mask:
        """Which of these records, in the order of the log, repeat an event; all of them are remembered."""
        found = np.zeros(len(ids), np.bool_)
        minutes = appended_us // MINUTE_US
        for minute in np.unique(minutes).tolist():
            rows = np.flatnonzero(minutes == minute)
            distinct, first = np.unique(ids[rows], return_index=True)
            is_repeat = np.ones(len(rows), np.bool_)
            is_repeat[first] = self._known(distinct, minute)
            found[rows] = is_repeat
            self._remember(distinct, minute)
        if len(minutes):
            self._forget(int(minutes.max()) - self._minutes - _SLACK_MINUTES)
        return found

    def _known(self, distinct: Hashes, minute: int) -> Mask:
        known = np.zeros(len(distinct), np.bool_)
        for past in range(minute - self._minutes, minute + 1):
            for chunk in self._chunks.get(past, ()):
                places = np.searchsorted(chunk, distinct)
                known |= chunk.take(places, mode="clip") == distinct
        return known

    def _remember(self, distinct: Hashes, minute: int) -> None:
        chunks = self._chunks.setdefault(minute, [])
        chunks.append(distinct)
        if len(chunks) > _CHUNKS:
            self._chunks[minute] = [np.unique(np.concatenate(chunks))]

    def _forget(self, before: int) -> None:
        for minute in [minute for minute in self._chunks if minute < before]:
            del self._chunks[minute]
