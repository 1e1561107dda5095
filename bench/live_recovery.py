"""Recovery after a kill: the live pipeline is killed, and its supervisor starts another life, which reads again.

The topic has so many records since the oldest window that is open, sent as fast as it goes; the crowd plays on at 200
events a second. Then the life is killed (SIGKILL). Measured is the time from the start of the next life until it gives
out what it counts, which is when all that was on the topic at its start is read again; until that is written; and
until it is at the end of the log. The pipeline runs as `tonearm live` runs it, with the local Kafka and Cassandra; CPU
and memory are those of everything together, from the kill on.

`TONEARM_BENCH_RECORDS` (300000,1000000,3000000; 100000 with `--quick`) are the lengths of the replay.
"""

import os
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import psutil
import pyarrow as pa

from bench.data import live_world
from bench.live_latency import wait_until_caught_up
from bench.live_load import sending, sent
from bench.measure import measure_side, work
from bench.results import QUICK, Options, Result, failed, repeated_where_possible, results, tell
from infra.kafka.connection import client_properties
from infra.kafka.offsets import offset_bounds
from infra.kafka.producer import PlaybackProducer
from infra.kafka.topics import ensure_playback_topic
from infra.local.stack import local_stack
from infra.serving_store.live_runs import live_timestamp
from infra.serving_store.session import ServingSession, serving_session
from infra.settings import Settings
from pipelines.progress import Progress, read_progress
from pipelines.supervisor import Supervisor
from playback.simulator.events import live_second
from schemas.live import MINUTE_TRACK_PLAYS
from schemas.render.cassandra import table_name

CROWD = 200
"""Events a second that go on meanwhile: few, so that they do not count."""
_COUNTRY = "US"
LOG_SECONDS = 60
"""The records ended within so many seconds before they are sent: all of them are counted."""
STEPS = {"emits": "gives out", "written": "has written", "at end": "at the end of the log"}
_AT_END_SECONDS = 5.0
_LIMIT_SECONDS = 600.0
"""For each of the steps."""


def run(options: Options) -> list[Result]:
    lengths = os.environ.get(
        "TONEARM_BENCH_RECORDS", "100000" if options.size == QUICK else "300000,1000000,3000000"
    ).split(",")
    found: list[Result] = []
    for records in map(int, lengths):
        name = f"{records:,} records"
        sides = {name: partial(measure_side, "bench.live_recovery:recovery_side", {"records": records})}
        costs, failures = repeated_where_possible(sides, options.repeat)
        if name not in costs:
            found.append(failed("live_recovery", name, "records", failures[name]))
            tell(found[-1:])
            continue
        answers: list[dict[str, Any]] = [cost.answer for cost in costs[name]]
        taken = {step: round(median(one[step] for one in answers), 2) for step in ("start", *STEPS)}
        note = ", ".join(f"{words} after {taken[step]:.1f} s" for step, words in STEPS.items())
        note += f"; the next life began {taken['start']:.1f} s after the kill"
        note += f"; then failed: {failures[name]}" if failures else ""
        replayed = int(median(one["replayed"] for one in answers))
        found += results("live_recovery", costs, replayed, "records", {name: note}, {name: taken})
        tell(found[-1:])
    return found


def recovery_side(records: int) -> None:
    """Answers seconds: until the next life began (`start`), and from then on those of `STEPS`."""
    answer: dict[str, float] = {}
    births: list[float] = []
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        settings = Settings(home=Path(folder))
        with (
            local_stack(settings, ("kafka", "cassandra")) as where,
            serving_session(settings, where) as serving,
        ):
            ensure_playback_topic(settings, where.kafka_bootstrap)
            supervisor = Supervisor(settings, ["--bigquery_seconds=0"], lambda _life: births.append(time.monotonic()))
            supervisor.start()
            try:
                wait_until_caught_up(settings.home)
                with PlaybackProducer(settings, where.kafka_bootstrap, "simulate") as producer:
                    for batch in _log(records):
                        producer.send(batch)
                last_us = batch["occurred_at"][-1].value
                with sending(settings.home, where.kafka_bootstrap, CROWD) as said:
                    _wait(lambda: sent(said)[0] > 0, "the crowd plays")
                    bounds = offset_bounds(
                        client_properties(settings, where.kafka_bootstrap), settings.playback_topic
                    ).values()
                    answer["replayed"] = sum(end - start for start, end in bounds)
                    newest_write = partial(_newest_write, serving, last_us // 60_000_000 * 60_000_000)
                    _recover(supervisor, settings.home, births, newest_write, answer)
            finally:
                supervisor.stop()


def _log(records: int) -> Iterator[pa.RecordBatch]:
    """So many playbacks that ended within the last minute but some seconds."""
    rate = -(-records // LOG_SECONDS)
    world = live_world(datetime.now(UTC).replace(microsecond=0) - timedelta(seconds=LOG_SECONDS + 5))
    sequences = np.zeros(len(world.audience.install_listeners), np.int64)
    for second in range(LOG_SECONDS):
        batch, sequences = live_second(world, second, rate, sequences)
        yield batch


def _newest_write(serving: ServingSession, minute_us: int) -> int:
    """The timestamp of the cells of a minute and a country of many, 0 where there is none."""
    statement = f'SELECT WRITETIME(play_count) AS at FROM "{serving.keyspace}"."{table_name(MINUTE_TRACK_PLAYS)}" '
    statement += "WHERE window_start = ? AND country = ? LIMIT 1"
    minute = datetime.fromtimestamp(minute_us / 1e6, UTC)
    return max((int(row["at"]) for row in serving.rows(statement, (minute, _COUNTRY))), default=0)


def _recover(
    supervisor: Supervisor,
    home: Path,
    births: list[float],
    newest_write: Callable[[], int],
    answer: dict[str, float],
) -> None:
    before, lives, pid = read_progress(home), supervisor.lives, supervisor.pid
    if before is None or pid is None:
        raise RuntimeError("The life to be killed has ended by itself.")
    killed = time.monotonic()
    os.killpg(pid, signal.SIGKILL)
    _wait(lambda: not psutil.pid_exists(pid), "the life is gone")

    def says(what: Callable[[Progress], bool]) -> Callable[[], bool]:
        return lambda: bool((now := read_progress(home)) and now.run_number > before.run_number and what(now))

    with work(answer):  # now, so that the time of the dead is not in it
        _wait(lambda: newest_write() >= live_timestamp(before.run_number + 1, 0), "it gives out what it counts")
        emitted, began = time.monotonic(), births[-1]
        answer |= {"start": began - killed, "emits": emitted - began}
        _wait(says(lambda now: now.caught_up), "it has written what it counts")
        answer["written"] = time.monotonic() - began
        _wait(says(lambda now: now.caught_up and now.delay_seconds < _AT_END_SECONDS), "it is at the end of the log")
        answer["at end"] = time.monotonic() - began
    if supervisor.lives > lives + 1:
        raise RuntimeError(f"{supervisor.lives - lives} lives were needed.")


def _wait(until: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + _LIMIT_SECONDS
    while not until():
        if time.monotonic() > deadline:
            raise RuntimeError(f"It took more than {_LIMIT_SECONDS:.0f} s until {what}.")
        time.sleep(0.05)
