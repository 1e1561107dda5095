"""Dead letters repaired and decided, as `tonearm replay` does before it sends any: no engine, no Kafka.

Sides: letters sent as they are; Avro and JSON letters under a rule that changes a field; letters of which bytes are
left off; and Avro letters among which ten rules choose by a value.
"""

import shutil
import tempfile
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.data import events
from bench.measure import measure_side, work
from bench.results import QUICK, Options, Result, repeated, results

if TYPE_CHECKING:
    import pyarrow as pa

BATCH_ROWS = 5_000
_NOW = datetime(2026, 11, 3, tzinfo=UTC)
_UPPER = 'patch = {upper = ["country"]}'
RULES = {
    "as they are": "",
    "Avro, one field": f'[[rule]]\nname = "r"\nreason = "bad_country"\n{_UPPER}\n',
    "JSON, one field": f'[[rule]]\nname = "r"\nreason = "bad_country"\n{_UPPER}\n',
    "Avro, bytes left off": '[[rule]]\nname = "r"\nreason = "bad_country"\npatch = {drop_trailing = true}\n',
    "Avro, ten rules": "".join(
        f'[[rule]]\nname = "{number}"\nreason = "bad_country"\nwhere = {{bitrate_kbps = {number}}}\n{_UPPER}\n'
        for number in range(9)
    )
    + f'[[rule]]\nname = "r"\nreason = "bad_country"\nwhere = {{source = "simulator"}}\n{_UPPER}\n',
}


def run(options: Options) -> list[Result]:
    count = 20_000 if options.size == QUICK else 200_000
    sides = {name: partial(measure_side, "bench.replay:side", {"name": name, "count": count}) for name in RULES}
    return results("replay", repeated(sides, options.repeat), count, "letters")


def side(name: str, count: int) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    from playback.fix_rules import read_rules
    from playback.replay import DECIDED, Outcome

    folder = Path(tempfile.mkdtemp(prefix="bench-"))
    try:
        (folder / "rules.toml").write_text(RULES[name], encoding="utf-8")
        rules = read_rules(folder) if RULES[name] else ()
        made = pa.Table.from_batches(letters(name, count)).combine_chunks()
        batches = made.to_batches(max_chunksize=BATCH_ROWS)
        outcome = Outcome()
        with work(), pq.ParquetWriter(folder / "messages.parquet", DECIDED, compression="zstd") as writer:
            for batch in batches:
                writer.write_batch(outcome.add(batch, rules, _NOW))
        assert outcome.chosen.total() == count
        assert outcome.refused.total() == (count if name == "as they are" else 0)
    finally:
        shutil.rmtree(folder)


def letters(name: str, count: int) -> "list[pa.RecordBatch]":
    """Dead letters whose country is in lower case or, to be left off, followed by a byte."""
    import orjson
    import pyarrow as pa
    import pyarrow.compute as pc

    from playback.repair import LETTERS
    from playback.wire import encode

    def letter(batch: pa.RecordBatch) -> pa.RecordBatch:
        if "left off" in name:
            payload: Any = pc.binary_join_element_wise(encode(batch), b"!", b"")
        else:
            place = batch.schema.get_field_index("country")
            spoilt = batch.set_column(place, batch.schema.field(place), pa.repeat("de", len(batch)))
            payload = encode(spoilt)
            if "JSON" in name:
                place = spoilt.schema.get_field_index("occurred_at")
                spoilt = spoilt.set_column(place, "occurred_at", spoilt.column("occurred_at").cast(pa.int64()))
                payload = pa.array([orjson.dumps(row) for row in spoilt.to_pylist()], pa.binary())
        known = {
            "topic_id": "T",
            "partition": pa.scalar(0, pa.int32()),
            "offset": 0,
            "appended_at": pa.scalar(_NOW, pa.timestamp("us", tz="UTC")),
            "reason": "bad_country",
            "detail": "country is not two capital letters. (field country)",
        }
        columns = {column: pa.repeat(value, len(batch)) for column, value in known.items()}
        columns |= {"payload": payload, "key": batch.column("user_id").cast(pa.binary())}
        columns |= {column: batch.column(column) for column in ("install_id", "sequence")}
        return pa.RecordBatch.from_arrays([columns[column] for column in LETTERS.names], schema=LETTERS)

    return [letter(batch) for batch in events(count)]
