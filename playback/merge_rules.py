"""When two plays count as one playback: dated versions of the tolerances, and what each source knows of time."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from playback.dated_versions import require_order

SOURCE, DEVICE = "other_source", "other_device"
"""Reasons to merge a play: another source tells of the playback too, or another device of the same source does."""


@dataclass(frozen=True)
class Source:
    """What a source knows of a playback.

    Of two plays the one of the lower `rank` stays. Its moments may be up to `rounded_to_ms` later than told. Without
    `knows_end` it knows when the playback began, how long the track is, and the least that was heard.
    """

    rank: int
    rounded_to_ms: int = 0
    knows_end: bool = True


_CLIENT = Source(0)
SOURCES: Mapping[str, Source] = {
    "spotify-extended": Source(1, rounded_to_ms=1_000),
    "spotify-basic": Source(2, rounded_to_ms=60_000),
    "listenbrainz": Source(3, rounded_to_ms=1_000, knows_end=False),
    "lastfm": Source(4, rounded_to_ms=60_000, knows_end=False),
}
"""Families of exports; what is none of them is a client, which knows everything."""


@dataclass(frozen=True)
class MergeRule:
    """One version of the rules, in force from `valid_from` (UTC date of the plays) until the next one starts.

    Plays are merged for `reasons` only; without any, none is. `most_skew_ms` is how far apart they may end, and
    `most_begin_skew_ms` begin where the end is not known, beyond what rounding explains; what was heard of both differs
    by `most_difference_ms` at most.
    """

    version: str
    valid_from: date
    reasons: tuple[str, ...] = (SOURCE, DEVICE)
    most_skew_ms: int = 10_000
    most_begin_skew_ms: int = 30_000
    most_difference_ms: int = 3_000


RULES: tuple[MergeRule, ...] = (MergeRule("m1", date(1970, 1, 1)),)
"""Every version in force, oldest first. To take a merge back, append one with fewer `reasons` from that date on and
compute the dates again: `tonearm backfill silver.merged_plays`."""

require_order(RULES, "merge")


def source_named(name: str) -> Source:
    """What the source of that name knows."""
    return SOURCES.get(name, _CLIENT)
