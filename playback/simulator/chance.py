"""Chance and names that follow from a number: asked again, in any order, they are the same."""

from hashlib import blake2b

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from playback.simulator.catalogue import Flags, Floats, Ints

_WORD_DIGITS = 16
_HEXADECIMAL = np.frombuffer("".join(f"{byte:02x}" for byte in range(256)).encode(), np.uint16)


def chances(seed: int, purpose: str, numbers: Ints) -> Floats:
    """A number in [0, 1) for each of `numbers`, uniform, and independent of those for another purpose."""
    return (_mixed(seed, purpose, numbers) >> np.uint64(11)).astype(np.float64) * 2.0**-53


def happens(seed: int, purpose: str, numbers: Ints, rate: float) -> Flags:
    """Whether it happens to each of `numbers`, which it does to `rate` of all."""
    if rate <= 0:
        return np.zeros(len(numbers), np.bool_)
    return np.less(chances(seed, purpose, numbers), rate)


def hex_ids(seed: int, purpose: str, numbers: Ints, digits: int = _WORD_DIGITS) -> pa.StringArray:
    """A name of `digits` (a multiple of 16) hexadecimal digits for each of `numbers`; different ones differ."""
    words = [_mixed(seed, f"{purpose} {word}", numbers) for word in range(digits // _WORD_DIGITS)]
    raw = np.stack(words, axis=1).astype(">u8").view(np.uint8)
    offsets = np.arange(len(numbers) + 1, dtype=np.int32) * digits
    return pa.StringArray.from_buffers(len(numbers), pa.py_buffer(offsets), pa.py_buffer(_HEXADECIMAL[raw]))


def _mixed(seed: int, purpose: str, numbers: Ints) -> npt.NDArray[np.uint64]:
    """SplitMix64 of each number under a key of that seed and purpose: one to one, so that no two numbers meet."""
    key = int.from_bytes(blake2b(f"{seed}:{purpose}".encode(), digest_size=8).digest(), "little")
    mixed = numbers.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(key)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))
