"""Numbers for keys: the same key has the same number, and no other key has it."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.transforms import numbering
from pipelines.transforms.keys import distinct
from pipelines.transforms.numbering import Names, Numbering


@given(st.lists(st.lists(st.one_of(st.none(), st.text(max_size=3)), max_size=12), max_size=8))
def test_a_text_keeps_its_number_and_comes_back_from_it(batches: list[list[str | None]]) -> None:
    names = Names()
    known: dict[str, int] = {}
    for texts in batches:
        found = names.numbers(pa.array(texts, pa.string())).tolist()
        for text, number in zip(texts, found, strict=True):
            assert number == (-1 if text is None else known.setdefault(text, number))
    assert sorted(known.values()) == list(range(names.count))
    assert names.texts(np.array(list(known.values()), np.int64)).to_pylist() == list(known)


@given(st.lists(st.lists(st.integers(-(2**63), 2**63 - 1), max_size=12), max_size=8))
def test_keys_are_numbered_as_they_first_come(batches: list[list[int]]) -> None:
    numbered = Numbering()
    known: dict[int, int] = {}
    for keys in batches:
        ranked = distinct(np.array(keys, np.int64))
        assert ranked.tolist() == sorted(set(keys))
        for key in ranked.tolist():
            known.setdefault(key, len(known))
        assert numbered.numbers(ranked).tolist() == [known[key] for key in ranked.tolist()]


def same_for_all(texts: pa.Array) -> np.ndarray:
    return np.zeros(len(texts), np.int64)


@pytest.mark.parametrize("batches", [[["a", "b"]], [["a"], ["b"]]])
def test_two_texts_of_one_hash_end_the_process_rather_than_count_as_one(
    batches: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(numbering, "id_hashes", same_for_all)
    names = Names()
    with pytest.raises(RuntimeError, match="one hash"):
        for texts in batches:
            names.numbers(pa.array(texts))
