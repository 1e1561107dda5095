"""Play to live table: seconds from the sending of an event until its cell in Cassandra has it, at a rate of events.

The pipeline runs as `tonearm live` runs it, under its supervisor, with the local Kafka and Cassandra and all live
tables; BigQuery is left out. The simulator's crowd plays at the rate. Beside it a probe, a play of a track of its own,
is sent four times a second, and the cell of its minute is read every 20 milliseconds. CPU and memory are those of
everything together: both servers, the pipeline, the crowd and the probe.

`TONEARM_BENCH_RATES` (1000,20000) are events a second, `TONEARM_BENCH_SECONDS` (90; 20 with `--quick`) how long each,
`TONEARM_BENCH_LISTENERS` (100000) how many play: each of them has rows of their own, which are most of what is written.
"""

import os
import tempfile
import time
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
from confluent_kafka import Producer

from bench.data import LIVE_LISTENERS
from bench.live_load import sending, sent
from bench.measure import Cost, measure_side, work
from bench.results import QUICK, Options, Result, failed, repeated_where_possible, results, tell
from infra.kafka.topics import ensure_playback_topic
from infra.local.stack import local_stack
from infra.serving_store.session import ServingSession, serving_session
from infra.settings import Settings
from pipelines.progress import read_progress
from pipelines.supervisor import live_pipeline
from playback.arrow import event_schema
from playback.wire import encode
from schemas.events import CURRENT
from schemas.live import MINUTE_TRACK_PLAYS
from schemas.render.cassandra import table_name

PROBE_SECONDS, LOOK_SECONDS = 0.25, 0.02
START_SECONDS, LAST_SECONDS = 120.0, 60.0
"""How long the pipeline may take to start, and how long the last probes are waited for."""
_TRACK, _COUNTRY = "bench-probe", "SE"
PERCENTILES = (50, 95, 99)


def run(options: Options) -> list[Result]:
    quick = options.size == QUICK
    seconds = int(os.environ.get("TONEARM_BENCH_SECONDS", "20" if quick else "90"))
    listeners = int(os.environ.get("TONEARM_BENCH_LISTENERS", str(LIVE_LISTENERS)))
    rates = [int(rate) for rate in os.environ.get("TONEARM_BENCH_RATES", "1000,20000").split(",")]
    found: list[Result] = []
    for rate in rates:
        arguments = {"rate": rate, "listeners": listeners, "seconds": seconds, "warm_seconds": 10 if quick else 30}
        name = f"{rate:,} a second of {listeners:,} listeners"
        sides = {name: partial(measure_side, "bench.live_latency:latency_side", arguments)}
        costs, failures = repeated_where_possible(sides, options.repeat)
        if name in costs:
            note, taken = told(costs[name], failures.get(name, ""))
            events = int(np.median([cost.answer["events"] for cost in costs[name]]))
            found += results("live_latency", costs, events, "events", {name: note}, {name: taken})
        else:
            found.append(failed("live_latency", name, "events", failures[name]))
        tell(found[-1:])
    return found


def told(costs: list[Cost], failure: str) -> tuple[str, dict[str, float]]:
    """The percentiles over all repetitions, in words and as they are."""
    lost = sum(cost.answer["lost"] for cost in costs)
    waits = np.concatenate([*(cost.answer["waits"] for cost in costs), np.full(lost, np.inf)])
    found = {f"p{one}": float(np.percentile(waits, one, method="higher")) for one in PERCENTILES}
    taken = {name: round(value, 3) for name, value in found.items() if value < np.inf}
    words = ", ".join(f"{name} {taken[name]:.2f} s" if name in taken else f"{name} not seen" for name in found)
    words += f" of {len(waits)} probes"
    if lost:
        words += f", {lost} of them not seen within {LAST_SECONDS:.0f} s of the end"
    behind, delay = (max(cost.answer[name] for cost in costs) for name in ("behind", "delay"))
    words += f"; in the end the log was read to {delay:.1f} s ago"
    if behind > 1:
        words += f"; the crowd was {behind:.0f} s behind its rate"
    return words + (f"; then failed: {failure}" if failure else ""), taken


def latency_side(rate: int, listeners: int, seconds: int, warm_seconds: int) -> None:
    """Answers the wait of each probe that was seen, in seconds, and how many were not."""
    answer: dict[str, object] = {}
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        settings = Settings(home=Path(folder))
        with local_stack(settings, ("kafka", "cassandra")) as where, live_pipeline(settings, ["--bigquery_seconds=0"]):
            ensure_playback_topic(settings, where.kafka_bootstrap)
            wait_until_caught_up(settings.home)
            with (
                sending(settings.home, where.kafka_bootstrap, rate, listeners) as said,
                serving_session(settings, where) as serving,
            ):
                deadline = time.monotonic() + START_SECONDS
                while not sent(said)[0] and time.monotonic() < deadline:
                    time.sleep(0.1)
                time.sleep(warm_seconds)
                before = sent(said)[0]
                with work(answer):
                    probe = Probe(serving, where.kafka_bootstrap, settings.playback_topic)
                    probe.watch(seconds)
                    events, behind = sent(said)
                    progress = read_progress(settings.home)
                    answer |= {"waits": probe.waits, "lost": probe.lost, "events": events - before, "behind": behind}
                    answer["delay"] = time.time() - progress.passed_us / 1e6 if progress else 0.0


def wait_until_caught_up(home: Path) -> None:
    """Wait for the first word of a pipeline that is at the end of its log."""
    deadline = time.monotonic() + START_SECONDS
    while not ((progress := read_progress(home)) and progress.caught_up):
        if time.monotonic() > deadline:
            log = home / "logs" / "live.log"
            said = log.read_text(errors="replace")[-500:] if log.exists() else "nothing"
            raise RuntimeError(f"The pipeline did not start within {START_SECONDS:.0f} s: {said}")
        time.sleep(0.1)


@dataclass
class Probe:
    """Plays of a track of its own, and what its cells say of them; `waits` in seconds."""

    serving: ServingSession
    bootstrap: str
    topic: str
    waits: list[float] = field(default_factory=list)
    lost: int = 0
    _sent: dict[datetime, deque[float]] = field(default_factory=dict)
    _seen: dict[datetime, int] = field(default_factory=dict)
    _count: int = 0

    def watch(self, seconds: float) -> None:
        """Send for so long, and look until all are seen, or for a while longer."""
        producer = Producer({"bootstrap.servers": self.bootstrap, "partitioner": "murmur2_random", "linger.ms": 0})
        began = time.monotonic()
        while (elapsed := time.monotonic() - began) < seconds + LAST_SECONDS:
            if elapsed < seconds and elapsed >= self._count * PROBE_SECONDS:
                self._send(producer)
            elif elapsed >= seconds and not self._sent:
                break
            producer.poll(0)
            self._look()
            time.sleep(LOOK_SECONDS)
        self.lost = sum(map(len, self._sent.values()))

    def _send(self, producer: Producer) -> None:
        now = datetime.now(UTC)
        user = f"{self._count:032x}"
        row = dict.fromkeys((one.name for one in CURRENT.fields), None) | {
            "event_id": f"{time.time_ns():032x}",
            "source": "simulator",
            "user_id": user,
            "occurred_at": now,
            "content_type": "track",
            "track_id": _TRACK,
            "country": _COUNTRY,
            "outcome": "play",
            "ms_played": 200_000,
        }
        (payload,) = encode(pa.RecordBatch.from_pylist([row], event_schema(CURRENT))).to_pylist()
        self._sent.setdefault(now.replace(second=0, microsecond=0), deque()).append(time.monotonic())
        self._count += 1
        producer.produce(self.topic, payload, user)

    def _look(self) -> None:
        """Of each minute whose probes are not all seen: its cell counts those that are."""
        statement = (
            f'SELECT play_count FROM "{self.serving.keyspace}"."{table_name(MINUTE_TRACK_PLAYS)}" '
            "WHERE window_start = ? AND country = ? AND track_id = ?"
        )
        for minute in list(self._sent):
            row = next(self.serving.rows(statement, (minute, _COUNTRY, _TRACK)), None)
            now, count = time.monotonic(), row["play_count"] if row else 0
            waiting = self._sent[minute]
            for _ in range(count - self._seen.get(minute, 0)):
                self.waits.append(now - waiting.popleft())
            self._seen[minute] = count
            if not waiting:
                del self._sent[minute]
