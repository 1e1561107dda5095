"""When changes are given out."""

from collections.abc import Callable

import pytest

from pipelines.transforms.live import LiveState, Run, judged
from pipelines.transforms.rules import Rules
from tests.pipelines.conftest import Log

IsGiven = Callable[..., bool]


@pytest.fixture
def is_given(log: Log, run: Callable[..., Run]) -> IsGiven:
    """Whether changes are given out with a batch that comes then; the first ones (a marker moves) are at 0 s.

    The next batch comes when they are written.
    """
    now = [0.0]
    state = LiveState(run(flush_seconds=2.0), clock=lambda: now[0])

    def at(seconds: float, at_end: bool = True) -> bool:
        now[0] = seconds
        batch = log.batch(log.event(str(seconds), 0), passed=1, at_end=at_end)
        return state.add(judged(batch, Rules())) is not None

    assert at(0.0)
    return at


def test_changes_are_given_out_every_two_seconds_where_the_store_is_fast(is_given: IsGiven) -> None:
    given = [at for at in (0.1, 1.9, 2.0, 2.1, 3.9, 4.0, 5.0, 6.5) if is_given(at)]
    assert given == [2.0, 4.0, 6.5]


def test_a_slow_store_is_given_all_that_came_while_it_wrote(is_given: IsGiven) -> None:
    """It writes for seven seconds; then the log is read to its end, however little time that takes."""
    given = [at for at, at_end in ((7.0, False), (7.5, False), (8.0, True), (15.0, True)) if is_given(at, at_end)]
    assert given == [8.0, 15.0]


def test_where_more_comes_than_can_be_read_changes_are_given_out_all_the_same(is_given: IsGiven) -> None:
    given = [at for at in (7.0, 12.0, 16.9, 17.0, 20.0, 29.9, 30.0) if is_given(at, at_end=False)]
    assert given == [17.0, 30.0]
