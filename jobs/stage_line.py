"""One stage of the balance sheet: what went in, and what is counted at its end."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class StageLine:
    """How many went in (`expected`), and where they are.

    `left_out` is left out on purpose or may still come, `merged` is told by another one that is counted; `wrong` counts
    the days or hours that differ, of which two can make up for each other in the sums.
    """

    stage: str
    expected: int
    counted: int
    left_out: int = 0
    wrong: int = 0
    merged: int = 0

    @property
    def adds_up(self) -> bool:
        """Whether what is counted and what is left out are all that went in, on every day and in every hour."""
        return not self.wrong and self.expected == self.counted + self.left_out + self.merged


def compared(
    stage: str,
    expected: Mapping[str, tuple[int, ...]],
    counted: Mapping[str, tuple[int, ...]],
    left_out: int = 0,
    merged: int = 0,
) -> StageLine:
    """The line of sums that must agree cell by cell, as far as both sides have them; the first one is shown."""
    wrong = sum(
        any(here != there for here, there in zip(expected[cell], counted[cell], strict=False))
        if cell in expected and cell in counted
        else True
        for cell in expected.keys() | counted.keys()
    )
    sums = (sum(cell[0] for cell in side.values()) for side in (expected, counted))
    went_in, came_out = sums
    return StageLine(stage, went_in + left_out + merged, came_out, left_out, wrong, merged)
