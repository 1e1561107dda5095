"""Chance that follows from a number."""

import numpy as np

from playback.simulator.chance import chances, happens, hex_ids

NUMBERS = np.arange(100_000)


def test_chances_are_uniform_and_differ_by_purpose() -> None:
    one, other = chances(1, "late", NUMBERS), chances(1, "lost", NUMBERS)
    assert np.all((one >= 0) & (one < 1))
    assert np.all(np.abs(np.histogram(one, 10)[0] - 10_000) < 500)
    assert abs(np.corrcoef(one, other)[0, 1]) < 0.02
    assert abs(np.corrcoef(one[1:], one[:-1])[0, 1]) < 0.02


def test_a_number_has_the_same_chance_whoever_else_is_asked_about() -> None:
    assert chances(1, "late", NUMBERS[::-7]).tolist() == chances(1, "late", NUMBERS)[::-7].tolist()


def test_what_happens_at_a_rate_happens_at_a_higher_one_too() -> None:
    seldom, often = (happens(1, "late", NUMBERS, rate) for rate in (0.01, 0.1))
    assert 800 < seldom.sum() < 1_200
    assert not (seldom & ~often).any()
    assert not happens(1, "late", NUMBERS, 0.0).any()
    assert happens(1, "late", NUMBERS, 1.0).all()


def test_ids_are_hexadecimal_and_all_different() -> None:
    ids = hex_ids(1, "event", NUMBERS, 32).to_pylist()
    assert len(set(ids)) == len(ids)
    assert all(len(one) == 32 and set(one) <= set("0123456789abcdef") for one in ids[:1_000])
    assert not set(ids) & set(hex_ids(2, "event", NUMBERS, 32).to_pylist())
    assert hex_ids(1, "event", NUMBERS[:0]).to_pylist() == []
