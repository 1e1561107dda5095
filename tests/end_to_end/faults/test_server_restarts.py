"""The local broker, Cassandra and the BigQuery stand-in are killed while a run is at work."""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.faults.killing import Tally, Twice, ended, last_line, reading, wait_until_stopped
from tests.end_to_end.faults.servers import Server

pytestmark = [pytest.mark.nightly, pytest.mark.timeout(1200)]

AT_WORK = {
    "kafka": ("ingest.planned", "write.prepared@bronze.playback_events"),
    "bigquery": (
        "publish.fenced@gold.daily_track_plays/bigquery",
        "publish.before_merge@gold.country_charts/bigquery",
        "publish.after_merge@gold.country_charts/bigquery",
        "balance.counted",
    ),
    "cassandra": (
        "publish.entered@gold.daily_track_plays/bigquery",
        "publish.before_rows@gold.daily_user_plays/cassandra",
        "publish.before_pointer@gold.country_charts/cassandra",
        "publish.after_pointer@gold.country_charts/cassandra",
    ),
}
"""What a run is about to ask of each server when that is killed."""

CASES = [(name, place) for name, places in AT_WORK.items() for place in places]
SAYING = {
    "kafka": "Kafka",
    "bigquery": "BigQuery does not answer",
    "cassandra": "Cassandra does not answer",
}


@pytest.fixture(scope="module")
def tally(tell: Callable[[object], None]) -> Iterator[Tally]:
    """Counts, printed when the module is through."""
    tally = Tally("servers killed under a run")
    yield tally
    tell(tally)


@pytest.mark.parametrize(("name", "place"), CASES)
def test_a_server_that_is_killed_and_comes_back_while_a_run_is_at_work(
    name: str, place: str, stack: Any, twice: Twice, nothing: Path, tally: Tally
) -> None:
    """The run comes to its end, or says that it is to be run again."""
    made, server = twice.twin(), Server(stack.settings, name)
    process = made.start(nothing, failpoint=f"stop:{place}")
    with reading(made) as seen:
        wait_until_stopped(process)
        server.kill()
        server.start()
        os.kill(process.pid, signal.SIGCONT)
        status, said = ended(process)
        assert status in (0, 75), said
        found = twice.finish(made)
    tally.add(f"{name} restarted at {place}", 1, found, twice.second)
    assert found == twice.second
    assert seen.mixtures(twice) == []


@pytest.mark.parametrize(("name", "place"), CASES)
def test_a_server_that_stays_away_is_said_in_one_sentence(
    name: str, place: str, stack: Any, twice: Twice, nothing: Path, tally: Tally
) -> None:
    """Status 75: when it is back, the same command goes on."""
    made, server = twice.twin(), Server(stack.settings, name)
    process = made.start(nothing, failpoint=f"stop:{place}")
    try:
        wait_until_stopped(process)
        server.kill()
        os.kill(process.pid, signal.SIGCONT)
        status, said = ended(process)
    finally:
        process.kill()
        server.start()
    found = twice.finish(made)
    tally.add(f"{name} away at {place}", 1, found, twice.second)
    assert found == twice.second
    assert status == 75, said
    assert SAYING[name] in last_line(said)
