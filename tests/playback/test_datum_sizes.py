"""Sizes of datums against a writer's, and what they are for: bytes that say the same in another way are refused."""

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from playback.datum_sizes import datum_sizes
from playback.datums import read_datums
from schemas.events import CURRENT
from tests.playback.test_wire import HEADER, MakeEvent, batch_of, datum, events

LONGS = ("sequence", "ms_played", "track_ms", "paused_ms")


def as_read(rows: list[dict[str, object]]) -> pa.RecordBatch:
    """The rows with every int as a long."""
    batch = batch_of(rows)
    longs = [field.with_type(pa.int64()) if pa.types.is_int32(field.type) else field for field in batch.schema]
    return batch.cast(pa.schema(longs))


@settings(max_examples=25)
@given(st.lists(events, max_size=4))
def test_a_size_is_that_of_what_is_written(rows: list[dict[str, object]]) -> None:
    sizes, _ = datum_sizes(as_read(rows), CURRENT)
    assert sizes.tolist() == [len(datum(row)) for row in rows]


edges = [sign * (1 << bits) + step for bits in range(64) for sign in (1, -1) for step in (-1, 0, 1)]


@pytest.mark.parametrize("name", LONGS)
def test_every_size_of_a_number_is_known_and_ten_bytes_are_no_certainty(event: MakeEvent, name: str) -> None:
    numbers = [number for number in edges if -(2**63) <= number < 2**63]
    sizes, is_certain = datum_sizes(as_read([event(**{name: number}) for number in numbers]), CURRENT)
    assert sizes.tolist() == [len(datum(event(**{name: number}))) for number in numbers]
    assert is_certain.tolist() == [-(2**62) <= number < 2**62 for number in numbers]


@pytest.mark.parametrize("header", [b"", HEADER, b"\x00\xff\xff\xff\xff"], ids=len)
def test_a_number_of_ten_bytes_with_bits_that_are_ignored_is_refused(event: MakeEvent, header: bytes) -> None:
    good = datum(event(sequence=2**63 - 1))
    number = b"\xfe" + b"\xff" * 8 + b"\x01"
    assert good.count(number) == 1
    odd = good.replace(number, number[:-1] + b"\x03")
    batch, verdicts = read_datums([header + good, header + odd], CURRENT, len(header))
    assert batch["sequence"].to_pylist() == [2**63 - 1, 2**63 - 1]
    assert verdicts.arrays()[0].to_pylist() == [None, "trailing_bytes"]
