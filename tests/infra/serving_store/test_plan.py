"""What the ledger says is to be published next."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from infra.serving_store.ledger import Entry
from infra.serving_store.plan import kept_generations, plan_publish, plan_rollback
from schemas.errors import InputError, SupersededError

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


def entry(number: int, version: int, base: int | None = None, minutes_ago: int | None = 600) -> Entry:
    """A completed publication whose generation is its number; one that did not end has no `minutes_ago`."""
    one = Entry("gold.t", "cassandra", number, "snapshot", version, base_version=base)
    if minutes_ago is None:
        return one
    finished = NOW - timedelta(minutes=minutes_ago)
    return replace(one, state="completed", generation=number, finished_at=finished)


def plan(entries: list[Entry], version: int, is_missing: bool = False) -> Entry | None:
    return plan_publish(entries, "gold.t", "cassandra", "snapshot", version, is_missing)


def test_a_publication_remembers_the_version_before_it() -> None:
    planned = plan([entry(1, 4)], 5)
    assert planned is not None
    assert (planned.delta_version, planned.base_version) == (5, 4)


def test_what_is_published_is_not_published_again() -> None:
    assert plan([entry(1, 5)], 5) is None


def test_a_version_is_published_again_after_an_attempt_that_did_not_end() -> None:
    """A rollback that died half-way has left rows of another version."""
    died = replace(entry(2, 4, minutes_ago=None), mode="rollback")
    planned = plan([died, entry(1, 5, base=4)], 5)
    assert planned is not None
    assert (planned.delta_version, planned.base_version) == (5, 4)


def test_a_version_is_published_again_to_a_store_that_lost_the_table() -> None:
    assert plan([entry(1, 5)], 5, is_missing=True) is not None


def test_an_older_version_than_one_under_way_is_refused() -> None:
    with pytest.raises(SupersededError):
        plan([entry(2, 6, minutes_ago=None), entry(1, 4)], 5)


def test_a_rollback_goes_to_the_version_before_and_holds_back_the_one_after() -> None:
    planned = plan_rollback([entry(2, 5, base=4), entry(1, 4, base=3)], "gold.t", "cassandra")
    assert (planned.delta_version, planned.base_version, planned.withheld_version) == (4, 3, 5)
    assert planned.generation == 1


def test_a_rollback_to_a_deleted_generation_writes_it_again() -> None:
    deleted = replace(entry(1, 4), generation=None)
    assert plan_rollback([entry(2, 5, base=4), deleted], "gold.t", "cassandra").generation is None


def test_a_version_that_was_taken_back_is_not_published_and_a_newer_one_is() -> None:
    rolled_back = replace(entry(3, 4, base=3), mode="rollback", withheld_version=5)
    entries = [rolled_back, entry(2, 5, base=4), entry(1, 4, base=3)]
    assert plan(entries, 5) is None
    assert plan(entries, 6) is not None


def test_the_first_publication_cannot_be_taken_back() -> None:
    with pytest.raises(InputError, match="nothing to roll"):
        plan_rollback([entry(1, 4)], "gold.t", "cassandra")


def test_within_the_grace_period_generations_stay() -> None:
    entries = [entry(4, 7, 6, 1), entry(3, 6, 5, 30), entry(2, 5, 4, 59), entry(1, 4, None, 90)]
    assert kept_generations(entries, entries[0], 3, NOW) == {1, 2, 3, 4}


def test_after_the_grace_period_the_generation_before_stays() -> None:
    entries = [entry(4, 7, 6, 0), entry(3, 6, 5, 300), entry(2, 5, 4, 400), entry(1, 4, None, 500)]
    assert kept_generations(entries, entries[0], 3, NOW) == {3, 4}


def test_the_generation_a_rollback_would_go_to_stays_beside_the_one_readers_come_from() -> None:
    """Number 3 moved the pointer and died before it said so: readers come from 3, a rollback goes to 2."""
    entries = [entry(4, 7, 5, 0), entry(3, 7, 5, None), entry(2, 5, 4, 500)]
    assert kept_generations(entries, entries[0], 3, NOW) == {2, 3, 4}
