"""Counts over many disturbances of the live pipeline, against what the topic holds."""

from collections import Counter
from dataclasses import dataclass, field

from tests.end_to_end.live_truth import Truth


def counts(said: Truth) -> Counter[tuple[object, ...]]:
    """All that live tables count, and each dead letter with its bytes."""
    found: Counter[tuple[object, ...]] = Counter()
    for cell, (plays, skips, listeners) in said.cells.items():
        found.update({("plays", *cell): plays, ("skips", *cell): skips, ("listeners", *cell): listeners})
    for place, fates in said.fates.items():
        found.update({(fate, *place): count for fate, count in fates.items()})
    for of_key, (playbacks, plays, skips, distinct) in said.velocity.items():
        found.update({("playbacks", *of_key): playbacks, ("plays", *of_key): plays})
        found.update({("skips", *of_key): skips, ("distinct", *of_key): distinct})
    found.update(("letter", *place, payload) for place, payload in said.letters.items())
    return found


@dataclass
class LiveTally:
    """What was disturbed how often, and what came of it; printed at the end."""

    what: str
    disturbed: int = 0
    lives: int = 0
    records: int = 0
    lost: int = 0
    doubled: int = 0
    different: list[str] = field(default_factory=list)

    def add(self, where: str, disturbed: int, lives: int, found: Truth, expected: Truth) -> None:
        self.disturbed += disturbed
        self.lives += lives
        self.records += sum(sum(fates.values()) for fates in expected.fates.values())
        self.lost += (counts(expected) - counts(found)).total()
        self.doubled += (counts(found) - counts(expected)).total()
        if found != expected:
            self.different.append(where)

    def __str__(self) -> str:
        return (
            f"{self.what}: {self.disturbed} times, {self.lives} lives, {self.records:,} records on the topic, lost "
            f"{self.lost}, doubled {self.doubled}, different from the topic {len(self.different)} {self.different}"
        )
