"""When changes are given out."""

from collections.abc import Callable

from pipelines.transforms.live import LiveState, Run, judged
from pipelines.transforms.rules import Rules
from tests.pipelines.conftest import Log


def test_a_slow_store_is_given_changes_after_as_much_reading_as_a_fast_one(log: Log, run: Callable[..., Run]) -> None:
    """They are written before the next batch comes: the first ones (a marker moves) in a second, then in seven."""
    now = [0.0]
    state = LiveState(run(flush_seconds=2.0), clock=lambda: now[0])

    def is_given(at: float) -> bool:
        now[0] = at
        return state.add(judged(log.batch(log.event(str(at), 0), passed=1), Rules())) is not None

    given = {at: is_given(at) for at in (0.0, 1.0, 2.0, 3.0, 10.0, 11.0, 12.0)}

    assert [at for at, is_it in given.items() if is_it] == [0.0, 3.0, 12.0]
