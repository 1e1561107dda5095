"""Runs in an environment of its own: Bytewax's side of `bench.live`.

Messages are counted 1,000 at a time before their counts go to the cells' states, as one would who wants it fast.
"""

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import bytewax.operators as op
import peer_cells
from bytewax.connectors.kafka import KafkaSource
from bytewax.dataflow import Dataflow
from bytewax.outputs import DynamicSink, StatelessSinkPartition
from bytewax.testing import run_main
from peer_cells import Counts

GATHERED = 20_000
bootstrap, warm_topic, topic, schema_path, kind, warm_where, where = sys.argv[1:]
read_event = peer_cells.reader(schema_path)


class Partition(StatelessSinkPartition[Any]):
    """The last of each cell among many changes, since a change of one cell comes for each thousand messages."""

    def __init__(self, to: str) -> None:
        self._sink = peer_cells.sink(kind, to)
        self._waiting: dict[str, Counts] = {}

    def write_batch(self, items: list[tuple[str, Counts]]) -> None:
        self._waiting.update(items)
        if len(self._waiting) >= GATHERED:
            self._write()

    def _write(self) -> None:
        self._sink.write([peer_cells.cell(*item) for item in self._waiting.items()])
        self._waiting.clear()

    def close(self) -> None:
        self._write()
        self._sink.close()


class Sink(DynamicSink[Any]):
    def __init__(self, to: str) -> None:
        self._to = to

    def build(self, step_id: str, worker_index: int, worker_count: int) -> Partition:
        return Partition(self._to)


def counted(messages: list[Any]) -> list[tuple[str, Counts]]:
    return list(peer_cells.counted(read_event(message.value) for message in messages).items())


def merged(state: Counts | None, more: Counts) -> tuple[Counts, Counts]:
    new = peer_cells.merged(state, more)
    return new, new


def count_topic(source: str, to: str) -> None:
    flow = Dataflow("bench")
    read = op.input("read", flow, KafkaSource([bootstrap], [source], tail=False, batch_size=1_000))
    cells = op.stateful_map("merge", op.flat_map_batch("count", read, counted), merged)
    op.output("write", cells, Sink(to))
    run_main(flow)


count_topic(warm_topic, warm_where)
before, started = time.process_time(), time.perf_counter()
count_topic(topic, where)
taken = {"wall": time.perf_counter() - started, "cpu": time.process_time() - before}
Path(os.environ["TONEARM_BENCH_ANSWER"]).write_text(json.dumps(taken))
