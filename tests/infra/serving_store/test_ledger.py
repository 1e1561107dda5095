"""The ledger and the pointers in a real Cassandra: of several publishers each has a number of its own."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from infra.serving_store.ledger import Entry, Ledger
from infra.serving_store.pointers import Pointer, move_pointer, pointer
from infra.serving_store.session import ServingSession
from schemas.errors import SupersededError


def planned(version: int) -> Entry:
    return Entry("gold.t", "cassandra", 1, "upsert", version)


def start(ledger: Ledger, version: int, lowest: int = 1) -> Entry:
    entry = ledger.start(lambda _: planned(version), "gold.t", "cassandra", lowest)
    assert entry is not None
    return entry


def test_racing_publishers_get_numbers_of_their_own_and_each_sees_all_below(serving: ServingSession) -> None:
    ledger = Ledger(serving)
    seen: dict[int, set[int]] = {}

    def race(version: int) -> None:
        below: list[Entry] = []

        def plan(entries: list[Entry]) -> Entry:
            below[:] = entries
            return planned(version)

        entry = ledger.start(plan, "gold.t", "cassandra")
        assert entry is not None
        seen[entry.publish_number] = {one.publish_number for one in below}

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(race, range(8)))
    assert seen == {number: set(range(1, number)) for number in range(1, 9)}


def test_numbers_start_above_what_another_store_has_seen(serving: ServingSession) -> None:
    assert start(Ledger(serving), 1, lowest=57).publish_number == 57


def test_nothing_is_entered_where_nothing_is_planned(serving: ServingSession) -> None:
    ledger = Ledger(serving)
    assert ledger.start(lambda _: None, "gold.t", "cassandra") is None
    assert ledger.entries("gold.t", "cassandra") == []


def test_an_entry_is_started_before_it_is_completed(serving: ServingSession) -> None:
    ledger = Ledger(serving)
    entry = start(ledger, 5)
    before = ledger.entries("gold.t", "cassandra")
    ledger.complete(entry, generation=1)
    after = ledger.entries("gold.t", "cassandra")
    assert [(one.state, one.delta_version, one.generation) for one in (*before, *after)] == [
        ("started", 5, None),
        ("completed", 5, 1),
    ]


def test_who_completes_after_a_higher_number_is_told(serving: ServingSession) -> None:
    ledger = Ledger(serving)
    slow, fast = start(ledger, 1), start(ledger, 2)
    ledger.complete(fast)
    with pytest.raises(SupersededError, match="number 1"):
        ledger.complete(slow)


def test_only_a_higher_number_moves_a_pointer(serving: ServingSession) -> None:
    moves = [move_pointer(serving, "gold.t", Pointer(number, number, 1)) for number in (2, 1, 2, 3)]
    assert moves == [True, False, False, True]
    assert pointer(serving, "gold.t") == Pointer(3, 3, 1)


def test_a_table_without_a_generation_has_no_pointer(serving: ServingSession) -> None:
    assert pointer(serving, "gold.t") is None
