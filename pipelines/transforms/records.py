"""What became of the records of each minute and partition, and the dead letters among them."""

from collections import defaultdict

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.transforms.keys import distinct
from pipelines.transforms.rules import DEAD_LETTER, MINUTE_US, Fates
from playback.arrow import arrow_schema
from schemas.live import DEAD_LETTERS, FATES, MINUTE_RECORDS

_RECORDS = arrow_schema(MINUTE_RECORDS.fields)
_LETTERS = arrow_schema(DEAD_LETTERS.fields)
_KEPT_MINUTES = 10
"""Minutes after which the counts of a minute are forgotten: by then all partitions are far past it."""


class MinuteRecords:
    """Counts by minute of append and partition, of minutes from `since_us` on: those before are written and final."""

    def __init__(self, since_us: int) -> None:
        self._since_us = since_us
        self._counts: dict[tuple[int, int], npt.NDArray[np.int64]] = defaultdict(lambda: np.zeros(len(FATES), np.int64))
        self._changed: set[tuple[int, int]] = set()

    def add(self, appended_us: npt.NDArray[np.int64], partitions: npt.NDArray[np.int32], fates: Fates) -> None:
        """Count records."""
        minutes = appended_us // MINUTE_US * MINUTE_US
        recent = minutes >= self._since_us
        whose = partitions[recent].astype(np.int64) * len(FATES) + fates[recent]
        for minute in distinct(minutes[recent]).tolist():
            counts = np.bincount(whose[minutes[recent] == minute])
            for one in np.flatnonzero(counts).tolist():
                partition, fate = divmod(one, len(FATES))
                self._counts[minute, partition][fate] += counts[one]
                self._changed.add((minute, partition))

    def changes(self, before_us: int | None = None) -> pa.Table:
        """Rows of `live.minute_records` that have changed, of minutes that start before a time or (None) of all."""
        given = sorted(cell for cell in self._changed if before_us is None or cell[0] < before_us)
        rows = [(minute, partition, *map(int, self._counts[minute, partition])) for minute, partition in given]
        self._changed.difference_update(given)
        columns = list(zip(*rows, strict=True)) or [()] * len(_RECORDS)
        arrays = [
            pa.array(column, pa.int64()).cast(field.type) for column, field in zip(columns, _RECORDS, strict=True)
        ]
        return pa.Table.from_arrays(arrays, schema=_RECORDS)

    def forget(self, passed_us: int) -> None:
        """Forget minutes that are long over; call it when their changes are taken."""
        before = passed_us - _KEPT_MINUTES * MINUTE_US
        for cell in [cell for cell in self._counts if cell[0] < before and cell not in self._changed]:
            del self._counts[cell]


def dead_letters(classified: pa.RecordBatch, fates: Fates) -> pa.Table:
    """Rows of `live.dead_letters` among classified records."""
    chosen = classified.filter(pa.array(fates == DEAD_LETTER))
    return pa.Table.from_batches([chosen.select(_LETTERS.names)]).cast(_LETTERS)
