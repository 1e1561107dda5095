"""Repeats of an event by its id."""

from itertools import pairwise

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from pipelines.transforms.duplicates import SeenEvents
from pipelines.transforms.keys import id_hashes
from pipelines.transforms.rules import MINUTE_US

NOON = 1_795_521_600_000_000


def repeats(seen: SeenEvents, *events: tuple[str, int]) -> list[bool]:
    ids = id_hashes(pa.array([event for event, _ in events], pa.string()))
    return seen.repeats(ids, np.array([NOON + second * 1_000_000 for _, second in events], np.int64)).tolist()


def test_the_first_of_a_batch_is_kept_and_the_others_repeat_it() -> None:
    assert repeats(SeenEvents(4), ("a", 0), ("b", 0), ("a", 0), ("a", 1)) == [False, False, True, True]


def test_a_repeat_is_found_in_a_later_batch_and_minute() -> None:
    seen = SeenEvents(4)
    assert repeats(seen, ("a", 0)) == [False]
    assert repeats(seen, ("b", 239), ("a", 239)) == [False, True]


def test_what_was_seen_longer_ago_than_the_memory_is_new() -> None:
    seen = SeenEvents(4)
    repeats(seen, ("a", 59))
    assert repeats(seen, ("a", 60 * 5)) == [False]


def test_a_repeat_is_remembered_like_the_first() -> None:
    seen = SeenEvents(4)
    repeats(seen, ("a", 0))
    assert repeats(seen, ("a", 60 * 3)) == [True]
    assert repeats(seen, ("a", 60 * 6)) == [True]


events = st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 900)), max_size=60).map(
    lambda found: sorted(found, key=lambda one: one[1])
)


@given(events, st.lists(st.integers(0, 60), max_size=4), st.integers(0, 900))
def test_a_verdict_depends_on_the_memory_and_not_on_batches_or_on_where_reading_began(
    log: list[tuple[str, int]], cuts: list[int], begin: int
) -> None:
    whole = SeenEvents(4)
    bounds = sorted({0, len(log), *(cut for cut in cuts if cut <= len(log))})
    verdicts = [verdict for start, end in pairwise(bounds) for verdict in repeats(whole, *log[start:end])]
    exact_from = begin // 60 * 60
    replayed = [one for one in log if one[1] >= exact_from - 4 * MINUTE_US // 1_000_000]
    again = repeats(SeenEvents(4), *replayed)
    expected = [
        any(other == event and second // 60 - when // 60 <= 4 for other, when in log[:place])
        for place, (event, second) in enumerate(log)
    ]
    assert verdicts == expected
    first_exact = sum(second < exact_from for _, second in log)
    assert again[len(again) - (len(log) - first_exact) :] == expected[first_exact:]
