"""A simulated service that tests play with faults of their own, and the records its messages become."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache

import pyarrow as pa
import pytest

from playback.classify import classify
from playback.simulator.events import World, make_world
from playback.simulator.parameters import Faults, Parameters
from playback.simulator.play import Played, play

ANCHOR = datetime(2026, 11, 23, tzinfo=UTC)
SMALL = Parameters(seed=7, listeners=200, events=12_000, days=20)


def small_world(faults: Faults) -> World:
    parameters = Parameters(**(vars(SMALL) | {"faults": faults}))
    return make_world(parameters, ANCHOR, [f"{number:032x}" for number in range(SMALL.listeners)])


@cache
def played_with(faults: Faults) -> Played:
    batches = list(play(small_world(faults)))
    messages, log = ([vars(batch)[name] for batch in batches] for name in ("messages", "log"))
    return Played(pa.concat_batches(messages), pa.concat_batches(log))


@pytest.fixture
def world() -> Callable[..., World]:
    """The service with these faults."""
    return lambda **faults: small_world(Faults(**faults))


@pytest.fixture
def played() -> Callable[..., Played]:
    """All that is played with these faults, in one piece."""
    return lambda **faults: played_with(Faults(**faults))


@pytest.fixture
def classified() -> Callable[[pa.RecordBatch], pa.RecordBatch]:
    """What the pipeline makes of messages that are appended when the history is over; marks are left out."""

    def verdicts(messages: pa.RecordBatch) -> pa.RecordBatch:
        sent = messages.filter(messages["high_water"].is_null())
        known = {
            "topic_id": "T",
            "partition": pa.scalar(0, pa.int32()),
            "topic": "playback-events",
            "appended_at": pa.scalar(ANCHOR, pa.timestamp("us", "UTC")),
            "manifest_id": "m-1",
            "client_id": "unknown",
        }
        columns = {name: pa.repeat(value, len(sent)) for name, value in known.items()}
        columns |= {"offset": pa.array(range(len(sent)), pa.int64()), "payload": sent["payload"]}
        return classify(pa.RecordBatch.from_pydict(columns))

    return verdicts
