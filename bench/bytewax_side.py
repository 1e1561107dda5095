"""Runs in an environment of its own: Bytewax's side of `bench.live`, with a broker, a topic, a schema and a file.

Messages are counted 1,000 at a time before their counts go to the cells' states, as one would who wants it fast.
"""

import json
import os
import sys
import time
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import bytewax.operators as op
import fastavro
from bytewax.connectors.kafka import KafkaSource
from bytewax.dataflow import Dataflow
from bytewax.outputs import DynamicSink, StatelessSinkPartition
from bytewax.testing import run_main

HEADER_BYTES = 10
bootstrap, topic, schema_path, cells_path = sys.argv[1:]
schema = fastavro.parse_schema(json.loads(Path(schema_path).read_text()))
Counts = tuple[int, int, set[str]]


class Partition(StatelessSinkPartition[Any]):
    def __init__(self) -> None:
        self._file = Path(cells_path).open("w")  # noqa: SIM115 - `close` does

    def write_batch(self, items: list[tuple[str, Counts]]) -> None:
        last = dict(items)
        for key, (plays, skips, listeners) in last.items():
            minute, country, track = key.split("\x1f")
            start = datetime.fromtimestamp(int(minute) * 60, UTC).isoformat()
            cell = {"window_start": start, "country": country, "track_id": track}
            cell |= {"play_count": plays, "skip_count": skips, "listener_count": len(listeners)}
            self._file.write(json.dumps(cell) + "\n")

    def close(self) -> None:
        self._file.close()


class Sink(DynamicSink[Any]):
    def build(self, step_id: str, worker_index: int, worker_count: int) -> Partition:
        return Partition()


def counted(messages: list[Any]) -> list[tuple[str, Counts]]:
    cells: dict[str, Counts] = {}
    for message in messages:
        event: Any = fastavro.schemaless_reader(BytesIO(message.value[HEADER_BYTES:]), schema, None)
        minute = int(event["occurred_at"].timestamp()) // 60
        key = f"{minute}\x1f{event['country'] or 'ZZ'}\x1f{event['track_id']}"
        plays, skips, listeners = cells.get(key) or (0, 0, set())
        long, outcome = event["ms_played"] >= 30_000, event["outcome"]
        listeners.add(event["user_id"])
        cells[key] = (plays + long, skips + (outcome == "skip" or (outcome is None and not long)), listeners)
    return list(cells.items())


def merged(state: Counts | None, more: Counts) -> tuple[Counts, Counts]:
    plays, skips, listeners = state or (0, 0, set())
    listeners |= more[2]
    new = (plays + more[0], skips + more[1], listeners)
    return new, new


flow = Dataflow("bench")
read = op.input("read", flow, KafkaSource([bootstrap], [topic], tail=False, batch_size=1_000))
cells = op.stateful_map("merge", op.flat_map_batch("count", read, counted), merged)
op.output("write", cells, Sink())
before, started = time.process_time(), time.perf_counter()
run_main(flow)
taken = {"wall": time.perf_counter() - started, "cpu": time.process_time() - before}
Path(os.environ["TONEARM_BENCH_ANSWER"]).write_text(json.dumps(taken))
