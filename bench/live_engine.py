"""The live pipeline's own work, without Kafka, Beam and stores: batches of Avro records in, changes of all tables out.

A batch has 20,000 records, as in the pipeline, and a flush comes every two seconds of log time: as often as when the
pipeline keeps up, and more often than in a backlog, which is read many times faster than it was written. How many
flushes a million events take follows from `RATES`, events a second of log time. At last every window is closed.

The first side is the bare Avro codec on the same bytes: under load everything takes more CPU, and it does too.
"""

import json
import time
from collections import Counter
from functools import partial
from itertools import pairwise

from bench.data import live_log
from bench.measure import measure_side, work
from bench.results import QUICK, Options, Result, repeated, results

RATES = (20_000, 200_000)
PARTITIONS = 4
BATCH_RECORDS = 20_000
FLUSH_SECONDS = 2.0


def run(options: Options) -> list[Result]:
    count = 200_000 if options.size == QUICK else 1_000_000
    for rate in RATES:
        live_log(count, rate, PARTITIONS)
    sides = {"the codec alone": partial(measure_side, "bench.live_engine:codec_side", {"count": count})}
    for rate in RATES:
        sides[f"{rate:,} a second"] = partial(
            measure_side, "bench.live_engine:engine_side", {"count": count, "rate": rate}
        )
    costs = repeated(sides, options.repeat)
    notes = {
        name: ", ".join(f"{step} {seconds:.2f}" for step, seconds in taken[0].answer.items())
        for name, taken in costs.items()
        if taken[0].answer
    }
    return results("live_engine", costs, count, "events", notes)


def codec_side(count: int) -> None:
    import pyarrow.parquet as pq
    import pyruhvro

    from playback.datums import reading_schema
    from playback.wire import HEADER_BYTES
    from schemas.events import CURRENT

    schema = reading_schema(CURRENT, HEADER_BYTES)
    log = pq.read_table(live_log(count, RATES[-1], PARTITIONS), columns=["payload"])
    batches = [rows["payload"].to_pylist() for rows in log.combine_chunks().to_batches(BATCH_RECORDS)]
    with work():
        read = sum(pyruhvro.deserialize_array(payloads, schema).num_rows for payloads in batches)
    assert read == count


def engine_side(count: int, rate: int) -> None:
    """Answers the CPU seconds of each step."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from pipelines.transforms.duplicates import SeenEvents
    from pipelines.transforms.elements import Batch
    from pipelines.transforms.live import LiveState, Run, deduplicated, judged

    log = pq.read_table(live_log(count, rate, PARTITIONS)).combine_chunks()
    words = {"topic_id": "T", "topic": "playback-events", "client_id": "unknown", "manifest_id": None}
    nothing = dict.fromkeys(("sequence", "high_water"), pa.scalar(None, pa.int64()))
    batches = []
    for number, rows in enumerate(log.to_batches(BATCH_RECORDS)):
        columns = {name: pa.repeat(pa.scalar(word, pa.string()), len(rows)) for name, word in words.items()}
        columns |= {name: pa.repeat(value, len(rows)) for name, value in nothing.items()}
        columns |= {name: rows[name] for name in rows.schema.names}
        batches.append(Batch(number, rows["appended_at"][-1].value, True, pa.RecordBatch.from_pydict(columns)))
    # minutes later: everything is closed
    later_us = batches[-1].passed_us + 600_000_000
    batches.append(Batch(len(batches), later_us, True, batches[0].rows.slice(0, 0)))

    log_seconds = [0.0]
    run = Run("bench", flush_seconds=FLUSH_SECONDS)
    seconds: Counter[str] = Counter()
    written: Counter[str] = Counter()
    with work(seconds):
        seen, state = SeenEvents(run.rules.memory_minutes), LiveState(run, clock=lambda: log_seconds[0])
        for batch in batches:
            log_seconds[0] = batch.passed_us / 1e6
            steps = [time.process_time()]
            with_verdicts = judged(batch, run.rules)
            steps.append(time.process_time())
            once = deduplicated(with_verdicts, seen)
            steps.append(time.process_time())
            changes = state.add(once)
            steps.append(time.process_time())
            last = "count" if not changes else "flush" if batch.rows.num_rows else "close"
            names = ("decode and judge", "deduplicate", last)
            seconds.update(dict(zip(names, (end - start for start, end in pairwise(steps)), strict=True)))
            if changes:
                written.update({name: table.num_rows for name, table in changes.rows.items()})
    assert written["live.minute_track_plays"]
    print(json.dumps(written))
