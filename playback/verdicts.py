"""One verdict per record of a batch: accepted, or the first reason against it."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from playback.reasons import Reason, sentence

Rows = npt.NDArray[np.bool_] | npt.NDArray[np.intp]
"""Rows of a batch: a mask of its length, or indices."""


class Verdicts:
    """Collects refusals over the rows of one batch; the first refusal of a row stays."""

    def __init__(self, count: int) -> None:
        """All `count` rows start as accepted."""
        self._codes: npt.NDArray[np.int16] = np.zeros(count, np.int16)
        self._pairs: list[tuple[Reason, str]] = []

    def refuse(self, rows: Rows, reason: Reason, field: str = "") -> None:
        """Refuse these rows unless they already are; `field` is the name of the field at fault."""
        chosen = np.flatnonzero(rows) if rows.dtype == np.bool_ else rows
        chosen = chosen[self._codes[chosen] == 0]
        if not len(chosen):
            return
        pair = (reason, field)
        if pair not in self._pairs:
            self._pairs.append(pair)
        self._codes[chosen] = self._pairs.index(pair) + 1

    @property
    def refused(self) -> npt.NDArray[np.bool_]:
        """Mask of the refused rows."""
        return np.not_equal(self._codes, 0)

    def refusals(self) -> Iterator[tuple[npt.NDArray[np.intp], Reason, str]]:
        """Refused rows as indices, with reason and field, one group after another."""
        for code, (reason, field) in enumerate(self._pairs, start=1):
            yield np.flatnonzero(self._codes == code), reason, field

    def arrays(self) -> tuple[pa.StringArray, pa.StringArray]:
        """Reason and sentence of each row as strings, null where accepted."""
        if not self._pairs:
            nothing = pa.nulls(len(self._codes), pa.string())
            return nothing, nothing
        chosen = pa.array(self._codes.astype(np.int32) - 1, mask=~self.refused)
        reasons = pa.array([str(reason) for reason, _ in self._pairs], pa.string())
        sentences = pa.array([sentence(reason, field) for reason, field in self._pairs], pa.string())
        return reasons.take(chosen), sentences.take(chosen)
