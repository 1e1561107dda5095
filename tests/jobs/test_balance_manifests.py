"""The balance sheet: what senders have announced, acknowledged or left in doubt, and what came of it in which hour."""

import pytest

from jobs.balance import DAILY
from tests.jobs.books import HOUR, LEDGER, NEXT_HOUR, Books, manifest, wrong


@pytest.mark.parametrize("source", ["import", "simulate", "replay"])
def test_what_was_acknowledged_before_the_ingest_and_is_not_there_is_lost(books: Books, source: str) -> None:
    books.arrive("silver.plays", 4)
    sheet = books.sheet([manifest(5, source=source)])
    assert wrong(sheet) == ["announced for events"]
    assert (sheet.stages[0].expected, sheet.stages[0].counted, sheet.stages[0].wrong) == (5, 4, 1)
    assert sheet.total("lost") == (0 if source == "simulate" else 1)
    assert sheet.clients_missing == (0 if source == "simulate" else 1)
    assert not sheet.adds_up


def test_what_a_phone_lost_is_reported_and_fails_nothing(books: Books) -> None:
    for sequence in (0, 2, 5):
        books.arrive("silver.plays", 1, None, install_id="phone", client_id="phone", sequence=sequence)
    sheet = books.sheet([])
    assert (sheet.total("sent"), sheet.total("pending"), sheet.clients_missing) == (6, 3, 1)
    assert sheet.adds_up


def test_what_was_acknowledged_after_the_ingest_began_may_still_come(books: Books) -> None:
    books.arrive("silver.plays", 4)
    line = books.announced([manifest(4)], [manifest(7)])
    assert (line.expected, line.counted, line.left_out) == (7, 4, 3)
    assert line.adds_up


def test_a_record_under_a_manifest_that_nobody_planned_does_not_add_up(books: Books) -> None:
    books.arrive("silver.plays", 6)
    assert wrong(books.sheet([manifest(5)])) == ["announced for events"]


def test_a_record_under_the_manifest_of_another_topic_does_not_add_up(books: Books) -> None:
    books.arrive("silver.plays", 5)
    books.arrive("silver.plays", 1, topic_id="U", topic="others")
    assert wrong(books.sheet([manifest(5)])) == ["announced for others"]


def test_what_was_in_doubt_and_arrived_was_sent(books: Books) -> None:
    books.arrive("silver.plays", 5)
    sheet = books.sheet([manifest(5, acknowledged=2)])
    assert (sheet.total("sent"), sheet.total("accepted"), sheet.total("pending")) == (5, 5, 0)
    assert (sheet.stages[0].expected, sheet.stages[0].counted, sheet.stages[0].left_out) == (5, 5, 0)
    assert sheet.adds_up


def test_what_was_in_doubt_and_has_not_arrived_is_pending(books: Books) -> None:
    books.arrive("silver.plays", 3)
    sheet = books.sheet([manifest(5, acknowledged=2)])
    assert (sheet.total("sent"), sheet.total("accepted"), sheet.total("pending"), sheet.total("lost")) == (5, 3, 2, 0)
    assert (sheet.stages[0].expected, sheet.stages[0].counted, sheet.stages[0].left_out) == (5, 3, 2)
    assert sheet.adds_up


def test_what_was_in_doubt_counts_in_the_hour_it_arrived_in(books: Books) -> None:
    books.arrive("silver.plays", 2, hour=12)
    books.arrive("silver.plays", 3, hour=13)
    sheet = books.sheet([manifest(5, acknowledged=2)])
    assert [(line.hour, line.sent, line.accepted) for line in sheet.hours] == [(HOUR, 2, 2), (NEXT_HOUR, 3, 3)]
    assert sheet.adds_up


def test_a_loss_in_one_hour_is_not_made_good_by_a_surplus_in_another(books: Books) -> None:
    books.arrive("silver.plays", 4, hour=12)
    books.arrive("silver.plays", 1, hour=13)
    line = books.announced([manifest(5)])
    assert (line.expected, line.counted, line.wrong) == (5, 5, 2)
    assert not line.adds_up


def test_records_of_no_known_manifest_are_of_unknown_senders(books: Books) -> None:
    books.arrive("silver.plays", 2, manifest_id=None)
    books.arrive("silver.plays", 1, manifest_id="of-another-home")
    sheet = books.sheet([])
    (line,) = sheet.hours
    assert (line.sent, line.accepted) == (3, 3)
    assert [line.stage for line in sheet.stages] == [LEDGER, *DAILY]
    assert sheet.adds_up
