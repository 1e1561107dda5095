"""Runs in an environment of its own: Quix Streams' side of `bench.live`.

Quix reads, decodes and commits every two seconds, and hands what came since to a sink that counts it in memory: its own
state is in RocksDB, under the message's key, so that cells would have to go through the broker a second time.
"""

import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import peer_cells
from peer_cells import Counts
from quixstreams import Application
from quixstreams.models.serializers import Deserializer
from quixstreams.sinks import BatchingSink, SinkBatch

bootstrap, warm_topic, topic, warm_count, count, schema_path, kind, warm_where, where = sys.argv[1:]
read_event = peer_cells.reader(schema_path)


class Event(Deserializer):
    def __call__(self, value: bytes, ctx: Any) -> Any:
        return read_event(value)


class Cells(BatchingSink):
    def __init__(self, to: str) -> None:
        super().__init__()
        self.sink = peer_cells.sink(kind, to)
        self._cells: dict[str, Counts] = {}

    def write(self, batch: SinkBatch) -> None:
        more = peer_cells.counted(item.value for item in batch)
        for key, counts in more.items():
            self._cells[key] = peer_cells.merged(self._cells.get(key), counts)
        self.sink.write([peer_cells.cell(key, self._cells[key]) for key in more])


def count_topic(source: str, messages: int, to: str) -> None:
    with tempfile.TemporaryDirectory(prefix="bench-") as state:
        application = Application(
            bootstrap,
            consumer_group=f"bench-{os.getpid()}-{source}",
            auto_offset_reset="earliest",
            commit_interval=2.0,
            use_changelog_topics=False,
            state_dir=state,
            loglevel="WARNING",
        )
        cells = Cells(to)
        application.dataframe(application.topic(source, value_deserializer=Event())).sink(cells)
        application.run(count=messages, collect=False)
        cells.sink.close()


count_topic(warm_topic, int(warm_count), warm_where)
before, started = time.process_time(), time.perf_counter()
count_topic(topic, int(count), where)
taken = {"wall": time.perf_counter() - started, "cpu": time.process_time() - before}
Path(os.environ["TONEARM_BENCH_ANSWER"]).write_text(json.dumps(taken))
