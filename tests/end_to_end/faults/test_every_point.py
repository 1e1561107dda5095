"""Every failpoint alone in a deployment of its own, kills at random moments, and servers that die under a run."""

import random
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.faults.killing import (
    COMPUTING,
    ENDING,
    PRODUCING,
    PUBLISHING,
    State,
    Tally,
    Twice,
    ended,
    killed_at,
    reading,
)

pytestmark = [pytest.mark.nightly, pytest.mark.timeout(3600)]

SEEDS = range(5)
KILLS = 5
"""Random kills of each seed."""


@pytest.fixture(scope="module")
def said(tell: Callable[[object], None]) -> Iterator[Callable[[str], Tally]]:
    """A count by what was done; all are printed when the module is through."""
    tallies: dict[str, Tally] = {}
    yield lambda what: tallies.setdefault(what, Tally(what))
    for tally in tallies.values():
        tell(tally)


@pytest.mark.parametrize("place", [*COMPUTING, *PUBLISHING, *ENDING])
def test_killed_at_a_point(place: str, twice: Twice, nothing: Path, said: Callable[[str], Tally]) -> None:
    made = twice.unbegun() if place in COMPUTING else twice.twin()
    with reading(made, pause=3.0) as seen:
        killed_at(made, nothing, place)
        found = twice.finish(made)

    said("at each point after the import").add(place, 1, found, twice.second)
    assert found == twice.second
    assert seen.mixtures(twice) == []


@pytest.mark.parametrize("place", PRODUCING)
def test_killed_at_a_point_of_an_import(
    place: str, deployment: Callable[..., Any], undisturbed: Any, export: Path, said: Callable[[str], Tally]
) -> None:
    """The broker may have some of it twice; what is computed has each playback once."""
    made = deployment(like=undisturbed)
    killed_at(made, export, place)
    made.send(export)
    sheet = made.run().sheet

    tally, found, expected = said("at each point of the import"), State.of(made), State.of(undisturbed)
    tally.kills += 1
    tally.reruns += 1
    tally.lost += (expected.playbacks - found.playbacks).total() + sheet.total("lost")
    tally.doubled += (found.playbacks - expected.playbacks).total()
    assert sheet.adds_up
    assert found.playbacks == expected.playbacks
    assert made.served() == undisturbed.served()


@pytest.fixture(scope="module")
def whole_run(twice: Twice, nothing: Path) -> float:
    """Seconds that a run takes from its start to its end, on this machine as it is now."""
    made, started = twice.twin(), time.monotonic()
    status, words = ended(made.start(nothing))
    assert status == 0, words
    return time.monotonic() - started


@pytest.mark.parametrize("seed", SEEDS)
def test_killed_at_random_moments(
    seed: int, whole_run: float, twice: Twice, nothing: Path, said: Callable[[str], Tally]
) -> None:
    """Again and again in one deployment; in the next one when a run came to its end before it was killed."""
    chance, kills, here = random.Random(seed), 0, 0
    made = twice.twin()
    while kills < KILLS:
        process = made.start(nothing)
        time.sleep(chance.uniform(0, whole_run))
        process.send_signal(signal.SIGKILL)
        status, words = ended(process)
        assert status in (0, -signal.SIGKILL), words
        kills, here = kills + (status != 0), here + (status != 0)
        if status == 0 or kills == KILLS:
            found = twice.finish(made)
            said("at random moments").add(f"seed {seed}", here, found, twice.second)
            assert found == twice.second
            if kills < KILLS:
                made, here = twice.twin(), 0
