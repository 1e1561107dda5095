"""Ledger records to silver rows and dead letters: `playback.classify` with none, 1 % and half of the records bad."""

from datetime import UTC, datetime
from functools import partial

from bench.data import events
from bench.measure import measure_side, work
from bench.results import QUICK, Options, Result, repeated, results

BAD_PERCENT = (0, 1, 50)
BATCH_ROWS = 20_000
_BAD = (b"\xc3\x01", b"not an event", b'{"event_id": 1}', b"", None)


def run(options: Options) -> list[Result]:
    count = 60_000 if options.size == QUICK else 500_000
    sides = {
        f"{percent} % bad": partial(
            measure_side, "bench.classify:classify_side", {"count": count, "bad_percent": percent}
        )
        for percent in BAD_PERCENT
    }
    return results("classify", repeated(sides, options.repeat), count, "records")


def classify_side(count: int, bad_percent: int) -> None:
    """Bad are records cut short inside their datum, and by turns those of `_BAD`; each batch has its share of them."""
    import numpy as np
    import pyarrow as pa

    from playback.classify import classify
    from playback.wire import encode

    def records(batch: pa.RecordBatch) -> pa.RecordBatch:
        payloads = encode(batch).to_pylist()
        bad = np.flatnonzero((np.arange(len(payloads)) * bad_percent) % 100 + bad_percent >= 100)
        for turn, row in enumerate(bad.tolist()):
            kinds = (*_BAD, payloads[row][:60])
            payloads[row] = kinds[turn % len(kinds)]
        known = {
            "topic_id": "T",
            "partition": pa.scalar(0, pa.int32()),
            "topic": "playback-events",
            "appended_at": pa.scalar(datetime(2026, 11, 2, tzinfo=UTC), pa.timestamp("us", tz="UTC")),
            "manifest_id": "m",
        }
        columns = {name: pa.repeat(value, len(payloads)) for name, value in known.items()}
        columns |= {"offset": pa.array(range(len(payloads))), "payload": pa.array(payloads, pa.binary())}
        return pa.RecordBatch.from_pydict(columns)

    parts = [batch.slice(start, BATCH_ROWS) for batch in events(count) for start in range(0, len(batch), BATCH_ROWS)]
    ledger = [records(part) for part in parts]
    with work():
        verdicts = [classify(part).column("reason") for part in ledger]
    refused = sum(len(one) - one.null_count for one in verdicts)
    assert refused == sum((row * bad_percent) % 100 + bad_percent >= 100 for one in ledger for row in range(len(one)))
