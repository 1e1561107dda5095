"""Rounds: what is too much to be computed at once, in parts that memory is enough for.

An engine holds the groups of what it groups in memory, so that what a refresh needs grows with its rows. A slice is
computed from the rows of its period and share and from no others; so slices can be computed one after the other.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import date

from infra.parts import in_parts
from schemas.periods import SHARES, PartitionValue, PeriodKind, Slice, overlapping, slice_of

Weights = Mapping[Slice, float]
"""About how many rows each slice is computed from: a row weighs in every slice that it goes into."""


def weights(rows: Mapping[PartitionValue, int], kinds: Collection[PeriodKind], by_share: bool = True) -> Weights:
    """What the slices of these kinds weigh, by the rows of the partitions of what they are computed from.

    Weeks of a month are taken to have as many rows each, and so are the shares of a date.
    """
    found: defaultdict[Slice, float] = defaultdict(float)
    for partition, count in rows.items():
        part = Slice("day", partition) if isinstance(partition, date) else slice_of(partition)
        for kind in kinds:
            into = overlapping([part], [kind], by_share)
            for one in into:
                found[one] += count / len(into)
    if not by_share:
        return found
    of_shares = {one: weight for one, weight in found.items() if one.share}
    of_all = {one: weight / len(SHARES) for one, weight in found.items() if not one.share}
    return of_shares | {replace(one, share=share): weight for one, weight in of_all.items() for share in SHARES}


def packed(weighed: Weights, limit: float, by_period: bool = False) -> list[set[Slice]]:
    """All of these slices, in rounds of at most that weight or of one slice that is heavier; the heaviest comes last.

    Slices that are computed from the same rows come together: those of a share, or (`by_period`) of a time.
    """
    rounds = in_parts(sorted(weighed, key=_by_period if by_period else _by_share), weighed, limit)
    return sorted(rounds, key=lambda found: sum(weighed[one] for one in found))


def _by_share(one: Slice) -> tuple[object, ...]:
    return (one.share, one.kind, one.start)


def _by_period(one: Slice) -> tuple[object, ...]:
    return (one.start, one.kind, one.share)
