"""Time as a function of the log: its order, and how far it has been read."""

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from pipelines.transforms.log_time import in_log_order, passed_by_all

SCHEMA = pa.schema([("appended_us", pa.int64()), ("partition", pa.int32()), ("offset", pa.int64())])


def records(*rows: tuple[int, int, int]) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist([dict(zip(SCHEMA.names, row, strict=True)) for row in rows], SCHEMA)


def rows(batch: pa.RecordBatch) -> list[tuple[int, ...]]:
    return [tuple(row.values()) for row in batch.to_pylist()]


def test_a_partition_with_a_backlog_holds_the_time_back() -> None:
    assert passed_by_all({0: 900, 1: 100}, {0: 950}) == 100


def test_an_idle_partition_holds_nothing_back() -> None:
    assert passed_by_all({0: 900, 1: 100}, {1: 890}) == 890


def test_a_partition_nothing_is_known_of_holds_everything_back() -> None:
    assert passed_by_all({0: 900, 1: 0}, {}) == 0


def test_records_come_by_append_time_then_partition_then_offset() -> None:
    ready, rest = in_log_order([records((5, 1, 0), (7, 1, 1)), records((5, 0, 8), (5, 0, 9), (6, 0, 10))], 7)
    assert rows(ready) == [(5, 0, 8), (5, 0, 9), (5, 1, 0), (6, 0, 10)]
    assert [rows(part) for part in rest] == [[(7, 1, 1)]]


def test_what_was_appended_at_the_very_time_waits_for_others_of_it() -> None:
    ready, rest = in_log_order([records((5, 0, 0))], 5)
    assert (rows(ready), [rows(part) for part in rest]) == ([], [[(5, 0, 0)]])


logs = st.lists(st.lists(st.integers(1, 20), max_size=12).map(sorted), min_size=1, max_size=4)


@given(logs, st.data())
def test_however_a_log_is_read_its_order_is_the_same(log: list[list[int]], data: st.DataObject) -> None:
    """Partitions are read on by turns, a piece at a time; what comes out in all is the log by (time, partition)."""
    parts = {number: [(time, number, offset) for offset, time in enumerate(log[number])] for number in range(len(log))}
    read = dict.fromkeys(parts, 0)
    waiting: list[pa.RecordBatch] = []
    given_out: list[tuple[int, ...]] = []
    while any(read[number] < len(parts[number]) for number in parts):
        number = data.draw(st.sampled_from([number for number in parts if read[number] < len(parts[number])]))
        size = data.draw(st.integers(1, 4))
        piece = parts[number][read[number] : read[number] + size]
        read[number] += len(piece)
        last = {one: parts[one][read[one] - 1][0] if read[one] else 0 for one in parts}
        at_end = {one: max(last.values()) for one in parts if read[one] == len(parts[one])}
        ready, waiting = in_log_order([*waiting, records(*piece)], passed_by_all(last, at_end))
        given_out += rows(ready)
    given_out += rows(in_log_order([*waiting, records()], 2**60)[0])
    assert given_out == sorted(row for part in parts.values() for row in part)
