"""What counts as a play and what as a skip: dated versions of the rules, applied to facts, never to imports.

| the client reported | ms_played | counts_as_play | is_skip              |
|---------------------|-----------|----------------|----------------------|
| play                | ≥ minimum | yes            | no                   |
| play                | < minimum | no             | no                   |
| skip                | ≥ minimum | yes            | yes                  |
| skip                | < minimum | no             | yes                  |
| nothing             | ≥ minimum | yes            | no                   |
| nothing             | < minimum | no             | yes, `skip_inferred` |
"""

from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc


@dataclass(frozen=True)
class PlayRule:
    """One version of the rules, in force from `valid_from` (UTC date of the event) until the next one starts."""

    version: str
    valid_from: date
    minimum_ms: int


RULES: tuple[PlayRule, ...] = (PlayRule("v1", date(1970, 1, 1), 30_000),)
"""Every version, oldest first. A version never changes once plays were counted under it; add a new one instead."""


@dataclass(frozen=True)
class Ruling:
    """What the rules say of each event; null where the event itself is null."""

    rule_version: pa.StringArray
    counts_as_play: pa.BooleanArray
    is_skip: pa.BooleanArray
    skip_inferred: pa.BooleanArray


def apply_rules(
    outcome: pa.StringArray, ms_played: pa.Int64Array, event_date: pa.Date32Array, rules: tuple[PlayRule, ...] = RULES
) -> Ruling:
    """Apply to each event the version in force on its date.

    `outcome` is play, skip or null (not reported); `ms_played` in milliseconds. A null ms_played gives nulls.
    """
    starts = np.array([rule.valid_from for rule in rules], "datetime64[D]").astype(np.int64)
    days = event_date.cast(pa.int32()).fill_null(int(starts[0])).to_numpy(zero_copy_only=False)
    version = pa.array(np.maximum(np.searchsorted(starts, days, side="right") - 1, 0), mask=_nulls(event_date))
    minimum = pa.array([rule.minimum_ms for rule in rules], pa.int64()).take(version)
    counts = pc.greater_equal(ms_played, minimum)
    inferred = pc.and_(outcome.is_null(), pc.invert(counts))
    return Ruling(
        rule_version=pa.array([rule.version for rule in rules], pa.string()).take(version),
        counts_as_play=counts,
        is_skip=pc.or_(pc.equal(outcome, "skip").fill_null(False), inferred),
        skip_inferred=inferred,
    )


def _nulls(column: pa.Array) -> npt.NDArray[np.bool_]:
    nulls: npt.NDArray[np.bool_] = column.is_null().to_numpy(zero_copy_only=False)
    return nulls
