"""Keys of 64 bits in arrays: hashes of texts, and what is asked of sorted ones."""

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Ints = npt.NDArray[np.int64]
Places = npt.NDArray[np.intp]


def id_hashes(texts: pa.StringArray) -> Ints:
    """64-bit keyed hashes of the texts, the same throughout this process; null is the hash of an empty one."""
    words = texts.fill_null("").cast(pa.binary()).to_pylist()
    return np.fromiter(map(hash, words), np.int64, len(words))


def distinct(keys: Ints) -> Ints:
    """The keys, sorted and each once; numpy's own way takes ten times as long."""
    ranked = np.sort(keys)
    return ranked[is_first(ranked)]


def first_of_each(keys: Ints) -> tuple[Ints, Places]:
    """`distinct` of the keys, and the first place of each."""
    order = np.argsort(keys)
    ranked = keys[order]
    begins = np.flatnonzero(is_first(ranked))
    if len(begins) == len(keys):
        return ranked, order
    return ranked[begins], np.minimum.reduceat(order, begins)


def is_first(ranked: npt.NDArray[np.generic]) -> npt.NDArray[np.bool_]:
    """Where in a sorted array another value begins."""
    if not len(ranked):
        return np.zeros(0, np.bool_)
    return np.append(True, ranked[1:] != ranked[:-1])
