"""Time as a function of the log: in which order records of several partitions come, and how far it has been read."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc


def passed_by_all(last_read: dict[int, int], at_end: dict[int, int]) -> int:
    """The time before which every partition has been read to the last record; 0 while nothing is known of one.

    `last_read` is the append time of the last record read of each partition (0: none), since within a partition append
    times never fall. `at_end` is, of partitions that were found read to their end, a time at which that was so: what
    is appended to them afterwards is not older. An idle partition therefore holds nothing up, and a partition with a
    backlog holds everything up. Times in microseconds since 1970, UTC.
    """
    return min((max(read, at_end.get(partition, 0)) for partition, read in last_read.items()), default=0)


def in_log_order(parts: list[pa.RecordBatch], before_us: int) -> tuple[pa.RecordBatch, pa.RecordBatch]:
    """The records appended before a time, by (append time, partition, offset), and the others as they were.

    `parts` (at least one) share a schema with `appended_us`, `partition` and `offset`; those of one partition follow
    one another by offset. The order is total: any reader of the same log gets the same.
    """
    together = pa.concat_batches(parts)
    ready = pc.less(together["appended_us"], before_us)
    rest = together.filter(pc.invert(ready))
    chosen = together.filter(ready)
    keys = [chosen[name].to_numpy(zero_copy_only=False) for name in ("offset", "partition", "appended_us")]
    order = np.lexsort(keys)
    if (np.diff(order) == 1).all():
        return chosen, rest
    return chosen.take(pa.array(order)), rest
