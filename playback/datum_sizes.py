"""How many bytes Avro rows take, without writing them.

A datum that says the same in any other way takes more: a number has one shortest form, and what follows the datum comes
on top. So a payload of exactly this size is the one way to write its row. The only exceptions are numbers of ten bytes,
of which the codec ignores most bits of the last.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from schemas.model import Event

Ints = npt.NDArray[np.int64]
_FIRST_BITS, _MORE_BITS = 6, 7
_TEN_BYTES = 1 << 62


def datum_sizes(batch: pa.RecordBatch, event: Event) -> tuple[Ints, npt.NDArray[np.bool_]]:
    """Bytes of each row of `event` (every int a long) as a datum, and where what has that size must be the datum."""
    sizes = np.full(batch.num_rows, sum(field.nullable for field in event.fields), np.int64)
    is_certain = np.ones(batch.num_rows, np.bool_)
    if not batch.num_rows:
        return sizes, is_certain
    for column in batch.columns:
        if pa.types.is_string(column.type):
            texts = np.diff(_buffer(column, np.int32, 1))
            taken = texts + _number_sizes(texts)
        elif pa.types.is_boolean(column.type):
            taken = np.ones(batch.num_rows, np.int64)
        else:
            numbers = _buffer(column, np.int64)
            # what is below zero is written as what is above it
            numbers = numbers ^ (numbers >> 63)
            taken = _number_sizes(numbers)
            if numbers.max() >= _TEN_BYTES:
                is_certain &= numbers < _TEN_BYTES
        sizes += taken if not column.null_count else taken * column.is_valid().to_numpy(zero_copy_only=False)
    return sizes, is_certain


def _buffer(column: pa.Array, kind: type[np.signedinteger[Any]], more: int = 0) -> npt.NDArray[Any]:
    """Numbers of a column, or the offsets of its texts, which are one more; where it is null they mean nothing."""
    return np.frombuffer(column.buffers()[1], kind)[column.offset : column.offset + len(column) + more]


def _number_sizes(numbers: npt.NDArray[Any]) -> Ints:
    """Bytes of numbers that are not below zero: 6 bits and a sign in the first one, 7 bits in each one more."""
    least, most = int(numbers.min()), int(numbers.max())
    size, bits = 1, _FIRST_BITS
    while least >> bits:
        size, bits = size + 1, bits + _MORE_BITS
    sizes = np.full(len(numbers), size, np.int64)
    while most >> bits:
        sizes += numbers >= 1 << bits
        bits += _MORE_BITS
    return sizes
