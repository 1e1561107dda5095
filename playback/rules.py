"""What counts as a play and what as a skip: dated versions of the rules, applied to facts, never to imports.

| the client reported | ms_played | counts_as_play | is_skip              |
|---------------------|-----------|----------------|----------------------|
| play                | ≥ minimum | yes            | no                   |
| play                | < minimum | no             | no                   |
| skip                | ≥ minimum | yes            | yes                  |
| skip                | < minimum | no             | yes                  |
| nothing             | ≥ minimum | yes            | no                   |
| nothing             | < minimum | no             | yes, `skip_inferred` |

A version may ask more: see `PlayRule`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from playback.dated_versions import require_order, require_versions
from schemas.errors import InputError


@dataclass(frozen=True)
class PlayRule:
    """One version of the rules, in force from `valid_from` (UTC date of the event) until the next one starts.

    Heard is a playback of `minimum_ms`, or of `minimum_percent` of its track where the client knows how long that is.
    It counts as a play unless the client reports more than `most_seeks` moves of the position or `most_paused_ms` in
    pause. Where it reports no outcome, what was not heard is a skip, and so is what ended for one of `skip_reasons`.
    None and empty: the version does not ask that.
    """

    version: str
    valid_from: date
    minimum_ms: int
    minimum_percent: int | None = None
    most_seeks: int | None = None
    most_paused_ms: int | None = None
    skip_reasons: tuple[str, ...] = ()


RULES: tuple[PlayRule, ...] = (PlayRule("v1", date(1970, 1, 1), 30_000),)
"""Every version in force, oldest first. One never changes once plays were counted under it; add a new one instead."""

PROPOSED: tuple[PlayRule, ...] = (
    # Half of the track or four minutes: what Last.fm and ListenBrainz ask of a scrobble.
    PlayRule(
        "v2",
        date(2027, 1, 1),
        minimum_ms=240_000,
        minimum_percent=50,
        most_seeks=20,
        skip_reasons=("fwdbtn", "backbtn"),
    ),
)
"""Versions that are talked about: `tonearm recount` shows what they would move. To put one in force, append it to
`RULES`; what is older than its date stays as it was counted."""


def _require_sound() -> None:
    """Raise ContractError where versions in force are out of order, or any has no date or the name of another."""
    require_order(RULES, "play")
    require_versions((*RULES, *PROPOSED), "play")


_require_sound()

FACTS = ("outcome", "ms_played", "track_ms", "seek_count", "paused_ms", "reason_end")
"""Fields of the event that rules ask."""


@dataclass(frozen=True)
class Ruling:
    """What the rules say of each event; null where the event itself is null."""

    rule_version: pa.StringArray
    counts_as_play: pa.BooleanArray
    is_skip: pa.BooleanArray
    skip_inferred: pa.BooleanArray


def apply_rules(
    facts: Mapping[str, pa.Array] | pa.RecordBatch, event_date: pa.Date32Array, rules: tuple[PlayRule, ...] = RULES
) -> Ruling:
    """Apply to each event the version in force on its date.

    `facts` has the columns of FACTS, typed as the event declares them. A null ms_played gives nulls. Raises
    ContractError where the versions have no dates, or are not in their order.
    """
    require_order(rules, "play")
    starts = np.array([rule.valid_from for rule in rules], "datetime64[D]").astype(np.int64)
    days = event_date.cast(pa.int32()).fill_null(int(starts[0])).to_numpy(zero_copy_only=False)
    version = pa.array(np.maximum(np.searchsorted(starts, days, side="right") - 1, 0), mask=_nulls(event_date))
    is_heard = _is_heard(facts, rules, version)
    counts, is_left = is_heard, pc.invert(is_heard)
    limits = {"seek_count": [rule.most_seeks for rule in rules], "paused_ms": [rule.most_paused_ms for rule in rules]}
    for name, most in limits.items():
        if any(limit is not None for limit in most):
            counts = pc.and_not(counts, _is_above(facts[name], most, version))
    for number, rule in enumerate(rules):
        if rule.skip_reasons:
            ended = pc.is_in(facts["reason_end"], pa.array(rule.skip_reasons, pa.string()))
            is_left = pc.or_(is_left, pc.and_(ended, pc.fill_null(pc.equal(version, number), False)))
    inferred = pc.and_(facts["outcome"].is_null(), is_left)
    return Ruling(
        rule_version=pa.array([rule.version for rule in rules], pa.string()).take(version),
        counts_as_play=counts,
        is_skip=pc.or_(pc.equal(facts["outcome"], "skip").fill_null(False), inferred),
        skip_inferred=inferred,
    )


def rule_named(version: str) -> PlayRule:
    """The version of that name, in force or proposed. Raises InputError when there is none.

    Raises ContractError where a version has no date, or a name is that of two.
    """
    _require_sound()
    known = {rule.version: rule for rule in (*RULES, *PROPOSED)}
    if version not in known:
        raise InputError(
            f"There is no version {version!r} of the play rules: {', '.join(known)} are in playback/rules.py; "
            "add it to PROPOSED there, with the date from which it would be in force."
        )
    return known[version]


def _is_heard(facts: Mapping[str, pa.Array], rules: tuple[PlayRule, ...], version: pa.Array) -> pa.BooleanArray:
    is_long = pc.greater_equal(
        facts["ms_played"], pa.array([rule.minimum_ms for rule in rules], pa.int64()).take(version)
    )
    if all(rule.minimum_percent is None for rule in rules):
        return is_long
    percent = pa.array([rule.minimum_percent for rule in rules], pa.int64()).take(version)
    # A day at most, and 100 times that, are far from where 64 bits end; a length of nothing is not known.
    length = pc.if_else(pc.greater(facts["track_ms"], 0), facts["track_ms"], pa.scalar(None, pa.int64()))
    share = pc.greater_equal(pc.multiply(facts["ms_played"], 100), pc.multiply(length, percent))
    return pc.or_(is_long, pc.fill_null(share, False))


def _is_above(values: pa.Array, most: list[int | None], version: pa.Array) -> pa.BooleanArray:
    """Where a value is known to be above the limit of its version."""
    limits = pa.array(most, pa.int64()).take(version)
    return pc.fill_null(pc.greater(values.cast(pa.int64()), limits), False)


def _nulls(column: pa.Array) -> npt.NDArray[np.bool_]:
    nulls: npt.NDArray[np.bool_] = column.is_null().to_numpy(zero_copy_only=False)
    return nulls
