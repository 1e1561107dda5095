"""Lives of the live pipeline: numbers that only rise, and a marker that only the latest one moves."""

from datetime import UTC, datetime, timedelta

import pytest

from infra.serving_store.live_runs import LiveRun, begin_live_run, live_timestamp, move_marker, read_live_run
from infra.serving_store.session import ServingSession
from schemas.errors import SupersededError


def test_a_topic_on_which_nothing_ran_has_no_run(serving: ServingSession) -> None:
    assert read_live_run(serving, "T") is None


def test_each_life_has_the_next_number_and_starts_from_the_marker(serving: ServingSession) -> None:
    first = begin_live_run(serving, "T")
    move_marker(serving, first, 60_000_000, 200_000_000, {0: 7, 1: 9})
    second = begin_live_run(serving, "T")
    assert (first, second) == (LiveRun("T", 1, 0), LiveRun("T", 2, 60_000_000, 200_000_000, {0: 7, 1: 9}))
    assert read_live_run(serving, "T") == second


def test_numbers_rise_over_all_topics(serving: ServingSession) -> None:
    """A topic that was made again has another id, and what is written of it wins against rows of the old one."""
    for _ in range(2):
        begin_live_run(serving, "old")
    assert begin_live_run(serving, "made again") == LiveRun("made again", 3, 0)
    assert begin_live_run(serving, "old").number == 4


def test_a_table_of_before_gets_its_new_columns(serving: ServingSession) -> None:
    serving.session.execute(
        f'CREATE TABLE "{serving.keyspace}".live_runs '
        "(topic_id text PRIMARY KEY, run_number bigint, marker_us bigint, moved_at timestamp)"
    )
    serving.session.execute(
        f"INSERT INTO \"{serving.keyspace}\".live_runs (topic_id, run_number, marker_us) VALUES ('T', 5, 60000000)"
    )
    run = begin_live_run(serving, "T")
    assert run == LiveRun("T", 6, 60_000_000)
    move_marker(serving, run, 120_000_000, 250_000_000, {0: 3})
    assert read_live_run(serving, "T") == LiveRun("T", 6, 120_000_000, 250_000_000, {0: 3})


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


def test_a_life_hears_when_the_marker_was_moved_last(serving: ServingSession) -> None:
    before = datetime.now(UTC) - timedelta(milliseconds=1)
    move_marker(serving, begin_live_run(serving, "T"), 60_000_000)
    run = begin_live_run(serving, "T")
    assert run.moved_at is not None and before <= run.moved_at <= datetime.now(UTC)
    assert not run.stood_since(14, run.moved_at + timedelta(days=13))
    assert run.stood_since(14, run.moved_at + timedelta(days=14))
