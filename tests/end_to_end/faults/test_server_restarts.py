"""The local broker, Cassandra and the BigQuery stand-in are killed while a run is at work."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from infra.local.process import start_process
from infra.local.record import ProcessId, read_record, write_record
from infra.local.server import Place
from infra.local.supervise import SERVERS
from infra.settings import Settings
from tests.end_to_end.faults.killing import Tally, Twice, ended, last_line, reading, wait_until_stopped

pytestmark = [pytest.mark.nightly, pytest.mark.timeout(1200)]

STARTING_SECONDS = 120.0

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


class Server:
    """A server of the session's stack: killed, and started again where and as it was."""

    def __init__(self, settings: Settings, name: str) -> None:
        self._home, self._name, self._settings = settings.home.resolve(), name, settings

    def kill(self) -> None:
        """As if its machine had lost power, but for the disk's cache."""
        record = read_record(self._home, self._name)
        assert record is not None
        process = record.find()
        assert process is not None
        process.kill()
        psutil.wait_procs([process], timeout=20)

    def start(self) -> None:
        record = read_record(self._home, self._name)
        assert record is not None
        place = Place(self._settings, self._name, record.ports)
        command = SERVERS[self._name].prepare(place)
        child = start_process(command.words, log=place.log, env=command.env, cwd=place.folder)
        write_record(self._home, replace(record, process=ProcessId.of(child.pid)))
        deadline = time.monotonic() + STARTING_SECONDS
        while not SERVERS[self._name].answers(place):
            assert time.monotonic() < deadline, f"{self._name} did not come up again"
            time.sleep(0.2)


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
