"""Lives of the live pipeline: numbers that only rise, and a marker that only the latest one moves."""

import pytest

from infra.serving_store.live_runs import begin_live_run, live_timestamp, move_marker, read_live_run
from infra.serving_store.session import ServingSession
from schemas.errors import SupersededError


def test_a_topic_on_which_nothing_ran_has_no_run(serving: ServingSession) -> None:
    assert read_live_run(serving, "T") is None


def test_each_life_has_the_next_number_and_starts_from_the_marker(serving: ServingSession) -> None:
    first = begin_live_run(serving, "T")
    move_marker(serving, first, 60_000_000)
    second = begin_live_run(serving, "T")
    assert [(run.number, run.marker_us) for run in (first, second)] == [(1, 0), (2, 60_000_000)]
    assert read_live_run(serving, "T") == second
    assert begin_live_run(serving, "other").number == 1


def test_a_life_that_was_overtaken_moves_no_marker(serving: ServingSession) -> None:
    first = begin_live_run(serving, "T")
    second = begin_live_run(serving, "T")
    with pytest.raises(SupersededError, match="A later live pipeline"):
        move_marker(serving, first, 120_000_000)
    move_marker(serving, second, 60_000_000)
    found = read_live_run(serving, "T")
    assert found is not None and found.marker_us == 60_000_000


def test_every_write_of_a_later_life_is_above_every_write_of_an_earlier_one() -> None:
    assert live_timestamp(1, 2**40 - 1) < live_timestamp(2, 0) < live_timestamp(2, 1)
