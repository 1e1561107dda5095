"""What is too much at once, in parts."""

from collections.abc import Mapping, Sequence
from typing import TypeVar

T = TypeVar("T")


def in_parts(ordered: Sequence[T], weights: Mapping[T, float], limit: float) -> list[set[T]]:
    """All of them, those that follow each other together: in parts of at most that weight, or of a single heavier one.

    What has no weight weighs nothing.
    """
    parts: list[set[T]] = []
    weight = 0.0
    for one in ordered:
        weight += weights.get(one, 0)
        if weight > limit or not parts:
            parts.append(set())
            weight = weights.get(one, 0)
        parts[-1].add(one)
    return parts
