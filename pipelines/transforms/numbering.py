"""Keys as small numbers, in sorted arrays that numpy searches: a row costs a fraction of what a dictionary's would."""

import numpy as np
import pyarrow as pa

from pipelines.transforms.keys import Ints, id_hashes


class Numbering:
    """Numbers from 0 for 64-bit keys, in the order in which they first come; chunks of keys are sorted.

    A chunk that is not much larger than the one after it is merged with it, so that there are few.
    """

    def __init__(self) -> None:
        self._chunks: list[tuple[Ints, Ints]] = []
        self.count = 0

    def numbers(self, keys: Ints) -> Ints:
        """The number of each key; `keys` are distinct and sorted, and those that are new get the next ones."""
        found = np.full(len(keys), -1, np.int64)
        for known, numbers in self._chunks:
            places = np.searchsorted(known, keys)
            places[places == len(known)] = 0
            hits = known[places] == keys
            found[hits] = numbers[places[hits]]
        is_new = found < 0
        if is_new.any():
            new, numbers = keys[is_new], np.arange(self.count, self.count + int(is_new.sum()))
            found[is_new] = numbers
            self.count += len(new)
            self._keep(new, numbers)
        return found

    def _keep(self, keys: Ints, numbers: Ints) -> None:
        while self._chunks and len(self._chunks[-1][0]) <= 2 * len(keys):
            more, their = self._chunks.pop()
            keys, numbers = np.concatenate([more, keys]), np.concatenate([their, numbers])
            order = np.argsort(keys, kind="stable")  # two runs, which it merges
            keys, numbers = keys[order], numbers[order]
        self._chunks.append((keys, numbers))


class Names:
    """Texts as numbers from 0, in the order in which they first come, and back.

    They are found by their keyed hash and then compared, so that two of one hash are never taken for one.
    """

    def __init__(self) -> None:
        self._numbering = Numbering()
        self._texts: pa.Array = pa.array([], pa.string())
        self._more: list[pa.Array] = []

    @property
    def count(self) -> int:
        """How many texts there are."""
        return self._numbering.count

    def numbers(self, texts: pa.Array) -> Ints:
        """The number of each text, -1 for null.

        Raises RuntimeError where two texts have one hash, as happens once in centuries: the next process hashes anew.
        """
        coded = texts.dictionary_encode()
        words: pa.Array = coded.dictionary
        found = np.full(len(words) + 1, -1, np.int64)
        hashes = id_hashes(words)
        order = np.argsort(hashes)
        ranked = hashes[order]
        before = self.count
        if (ranked[1:] == ranked[:-1]).any():
            raise RuntimeError("Two keys have one hash.")
        numbers = self._numbering.numbers(ranked)
        found[order] = numbers
        is_new = numbers >= before
        self._more.append(words.take(pa.array(order[is_new])))
        old = np.flatnonzero(found[:-1] < before)
        if len(old) and not self.texts(found[old]).equals(words.take(pa.array(old))):
            raise RuntimeError("Two keys have one hash.")
        chosen: Ints = found[coded.indices.fill_null(-1).to_numpy()]
        return chosen

    def texts(self, numbers: Ints) -> pa.Array:
        """The text of each number."""
        if self._more:
            self._texts, self._more = pa.concat_arrays([self._texts, *self._more]), []
        return self._texts.take(pa.array(numbers))
