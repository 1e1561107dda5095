"""Plays of one playback that two sources tell of: how many merges are right, and how many of all were found.

The service is `TWO_SOURCES`: a tenth of its playbacks are told of twice, and many tracks are repeated for real. The
answer key says which; precision and recall are in the notes. There is no Kafka and no engine in it.
"""

import tempfile
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from bench.data import END, world_of
from bench.measure import measure_side, work
from bench.results import QUICK, Options, Result, repeated, results
from playback.classify import classify
from playback.merging import COLUMNS, by_date
from playback.simulator.events import World
from playback.simulator.log import LOG
from playback.simulator.parameters import TWO_SOURCES
from playback.simulator.play import play
from truth.agreement import Agreement, agreement
from truth.answers import write_answers


def run(options: Options) -> list[Result]:
    count = 20_000 if options.size == QUICK else 1_000_000
    side = f"two sources, {count:,}"
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        plays = play_to(world_of(count, TWO_SOURCES), Path(folder))
        pq.write_table(plays, Path(folder) / "plays.parquet")
        judged = agreement_with(Path(folder), pa.concat_tables(by_date(plays)))
        costs = repeated({side: partial(measure_side, "bench.merge:merge_side", {"folder": folder})}, options.repeat)
    note = (
        f"precision {judged.precision:.4f}, recall {judged.recall:.4f}: {judged.right:,} right of {judged.merged:,} "
        f"merged, of {judged.expected:,} told of twice"
    )
    return results("merge", costs, plays.num_rows, "plays", {side: note})


def merge_side(folder: str) -> None:
    plays = pq.read_table(Path(folder) / "plays.parquet")
    with work():
        merged = pa.concat_tables(by_date(plays))
    assert merged.num_rows


def play_to(world: World, folder: Path) -> pa.Table:
    """Play a history; its log is in the folder then. Returns the plays that the pipeline accepts, each event once."""
    plays = []
    with pq.ParquetWriter(folder / "log.parquet", LOG) as log:
        for batch in play(world):
            log.write_batch(batch.log)
            plays.append(_accepted(batch.messages).select(["event_date", *COLUMNS]))
    found = pa.Table.from_batches(plays)
    first = found.append_column("row", pa.array(range(len(found)))).group_by("event_id").aggregate([("row", "min")])
    return found.take(first["row_min"])


def agreement_with(folder: Path, merged: pa.Table) -> Agreement:
    """How these rows of `silver.merged_plays` agree with the answer to the log in the folder."""
    write_answers(folder)
    return agreement(folder / "silver.merged_plays.parquet", merged)


def _accepted(messages: pa.RecordBatch) -> pa.RecordBatch:
    """The valid events in messages of which a track is known, as silver has them."""
    sent = messages.filter(messages["high_water"].is_null())
    known = {"topic_id": "T", "partition": 0, "topic": "playback-events", "manifest_id": None, "client_id": "unknown"}
    columns = {name: pa.repeat(value, len(sent)) for name, value in known.items()}
    columns |= {"offset": pa.array(range(len(sent)), pa.int64()), "payload": sent["payload"]}
    columns["appended_at"] = pa.repeat(pa.scalar(END, pa.timestamp("us", "UTC")), len(sent))
    found = classify(pa.RecordBatch.from_pydict(columns))
    return found.filter(pc.and_(found["reason"].is_null(), found["track_id"].is_valid()))
