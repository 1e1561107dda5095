"""Hold merges against their answer: how many are right, and how many of those that must be were made."""

from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq


@dataclass(frozen=True)
class Agreement:
    """Pairs of events that are one playback: how many the answer has, how many were merged, and how many are both."""

    expected: int
    merged: int
    right: int

    @property
    def precision(self) -> float:
        """Which share of what was merged is one playback."""
        return self.right / self.merged if self.merged else 1.0

    @property
    def recall(self) -> float:
        """Which share of what is one playback was merged."""
        return self.right / self.expected if self.expected else 1.0


def agreement(answer: Path, merged: pa.Table) -> Agreement:
    """Compare the answer to `silver.merged_plays`, a parquet file, with its rows (`event_id`, `kept_event_id`)."""
    expected = _pairs(pq.read_table(answer), "event_id", "other_event_id")
    made = _pairs(merged, "event_id", "kept_event_id")
    return Agreement(len(expected), len(made), len(expected & made))


def _pairs(rows: pa.Table, *names: str) -> set[frozenset[str]]:
    return {frozenset(pair) for pair in zip(*(rows[name].to_pylist() for name in names), strict=True)}
