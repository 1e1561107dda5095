"""A history is divided without a rest, and its messages come back from disk in order, however it was divided."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from playback.simulator import spool
from playback.simulator.audience import make_audience
from playback.simulator.blocks import blocks
from playback.simulator.delivery import MESSAGE
from playback.simulator.history import rhythm
from playback.simulator.parameters import Parameters
from playback.simulator.spool import Spool

DAY_MS = 86_400_000
MOMENTS = st.lists(st.integers(0, 9 * DAY_MS), max_size=40)


@given(listeners=st.integers(1, 60), events=st.integers(0, 3_000), block_events=st.integers(1, 1_000))
def test_blocks_have_every_listener_and_every_event_once(listeners: int, events: int, block_events: int) -> None:
    parameters = Parameters(listeners=listeners, events=events, days=9)
    found = list(blocks(parameters, make_audience(parameters), rhythm(parameters), block_events))
    covered = [one.first_listener + place for one in found for place in range(len(one.weights))]
    assert covered == list(range(listeners))
    assert [one.first_event for one in found] == np.cumsum([0, *(one.events for one in found)])[:-1].tolist()
    assert sum(one.events for one in found) == events
    assert [one.first_session for one in found] == np.cumsum([0, *(one.sessions for one in found)])[:-1].tolist()


def test_blocks_are_of_about_the_size_asked_for() -> None:
    parameters = Parameters(listeners=5_000, events=500_000)
    found = [one.events for one in blocks(parameters, make_audience(parameters), rhythm(parameters), 50_000)]
    assert len(found) == 10
    assert max(found) < 60_000


@given(made=st.lists(MOMENTS, min_size=1, max_size=5), size=st.integers(1, 50))
def test_messages_come_back_by_time_and_at_the_same_moment_by_block(made: list[list[int]], size: int) -> None:
    kept = Spool(2 * DAY_MS)
    for number, moments in enumerate(made):
        messages = np.zeros(len(moments), MESSAGE)
        messages["sent_ms"], messages["number"] = sorted(moments), number
        kept.add(messages)
    before, spool.SLICE_MESSAGES = spool.SLICE_MESSAGES, size
    try:
        found = [(int(one["sent_ms"]), int(one["number"])) for part in kept.slices() for one in part]
    finally:
        spool.SLICE_MESSAGES = before
        kept.close()
    assert found == sorted((moment, number) for number, moments in enumerate(made) for moment in moments)
