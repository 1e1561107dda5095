"""Time as a function of the log: in which order records of several partitions come, and how far it has been read."""

import numpy as np
import pyarrow as pa


def passed_by_all(last_read: dict[int, int], at_end: dict[int, int]) -> int:
    """The time before which every partition has been read to the last record; 0 while nothing is known of one.

    `last_read` is the append time of the last record read of each partition (0: none), since within a partition append
    times never fall. `at_end` is, of partitions that were found read to their end, a time at which that was so: what
    is appended to them afterwards is not older. An idle partition therefore holds nothing up, and a partition with a
    backlog holds everything up. Times in microseconds since 1970, UTC.
    """
    return min((max(read, at_end.get(partition, 0)) for partition, read in last_read.items()), default=0)


def in_log_order(parts: list[pa.RecordBatch], before_us: int) -> tuple[pa.RecordBatch, list[pa.RecordBatch]]:
    """The records appended before a time, by (append time, partition, offset), and what is left of the parts.

    `parts` (at least one) share a schema with `appended_us`, `partition` and `offset`. Each is of one partition, by
    offset, and its append times never fall, so that what is left is the end of it and need not be copied. The order is
    total: any reader of the same log gets the same.
    """
    counts = [int(np.searchsorted(part["appended_us"].to_numpy(), before_us)) for part in parts]
    rest = [part.slice(count) for part, count in zip(parts, counts, strict=True) if count < len(part)]
    ready = pa.concat_batches([part.slice(0, count) for part, count in zip(parts, counts, strict=True)])
    order = np.lexsort([ready[name].to_numpy() for name in ("offset", "partition", "appended_us")])
    if (np.diff(order) == 1).all():
        return ready, rest
    return ready.take(pa.array(order)), rest
