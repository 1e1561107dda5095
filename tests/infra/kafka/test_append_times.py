"""Append times never fall behind what readers were told."""

import numpy as np
import pytest

from infra.kafka.append_times import Ints, log_times


@pytest.mark.parametrize(
    ("own", "ceiling", "floor", "unread_from", "unread_floor", "expected"),
    [
        pytest.param([5, 5, 7], 99, 0, 0, 0, [5, 5, 7], id="those of the broker"),
        pytest.param([5, 9, 7, 8], 99, 0, 0, 0, [5, 9, 9, 9], id="a clock that went back"),
        pytest.param([5, 9], 99, 8, 0, 0, [8, 9], id="before what is passed"),
        pytest.param([5, 6, 7], 99, 0, 101, 9, [5, 9, 9], id="unread when an earlier life had passed the time"),
        pytest.param([5, 100, 7], 99, 0, 0, 0, [5, 5, 7], id="a clock that is ahead moves no other record"),
        pytest.param([100, 7], 99, 6, 0, 0, [6, 7], id="ahead, and what is passed"),
    ],
)
def test_no_record_counts_as_appended_before_what_is_passed(
    own: list[int], ceiling: int, floor: int, unread_from: int, unread_floor: int, expected: list[int]
) -> None:
    offsets: Ints = np.arange(100, 100 + len(own))
    assert log_times(offsets, np.array(own), ceiling, floor, unread_from, unread_floor).tolist() == expected
