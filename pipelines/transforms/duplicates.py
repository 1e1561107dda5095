"""Repeats of an event by its id, within minutes of append time."""

import numpy as np
import numpy.typing as npt

from pipelines.transforms.keys import Ints, distinct, first_of_each
from pipelines.transforms.rules import MINUTE_US, Times

Mask = npt.NDArray[np.bool_]
_SLACK_MINUTES = 2


class SeenEvents:
    """Ids by the minute in which they were appended; sorted chunks, which numpy searches 28 million times a second.

    A chunk that is not much larger than the one after it is merged with it, so that there are few.

    A record repeats an event when one of its id was given to `repeats` before it, appended in the same minute or at
    most `minutes` earlier, itself a repeat or not. So a verdict depends on that much of the log and nothing else.
    """

    def __init__(self, minutes: int) -> None:
        self._minutes = minutes
        self._chunks: dict[int, list[Ints]] = {}

    def repeats(self, ids: Ints, appended_us: Times) -> Mask:
        """Which of these records, in the order of the log, repeat an event; all of them are remembered."""
        found = np.zeros(len(ids), np.bool_)
        minutes = appended_us // MINUTE_US
        for minute in distinct(minutes).tolist():
            rows = np.flatnonzero(minutes == minute)
            once, first = first_of_each(ids[rows])
            is_repeat = np.ones(len(rows), np.bool_)
            is_repeat[first] = self._known(once, minute)
            found[rows] = is_repeat
            self._remember(once, minute)
        if len(minutes):
            self._forget(int(minutes.max()) - self._minutes - _SLACK_MINUTES)
        return found

    def _known(self, once: Ints, minute: int) -> Mask:
        known = np.zeros(len(once), np.bool_)
        for past in range(minute - self._minutes, minute + 1):
            for chunk in self._chunks.get(past, ()):
                places = np.searchsorted(chunk, once)
                known |= chunk.take(places, mode="clip") == once
        return known

    def _remember(self, once: Ints, minute: int) -> None:
        chunks = self._chunks.setdefault(minute, [])
        while chunks and len(chunks[-1]) <= 2 * len(once):
            once = distinct(np.concatenate([chunks.pop(), once]))
        chunks.append(once)

    def _forget(self, before: int) -> None:
        for minute in [minute for minute in self._chunks if minute < before]:
            del self._chunks[minute]
