"""The balance sheet: every record has one fate, and a client's records are its own."""

from tests.jobs.books import HOUR, LEDGER, Books, manifest, wrong


def test_every_fate_is_counted_and_adds_up(books: Books) -> None:
    books.arrive("silver.plays", 5)
    books.arrive("silver.duplicates", 2)
    books.arrive("bronze.dead_letters", 1)
    sheet = books.sheet([manifest(8)])
    assert sheet.adds_up
    (line,) = sheet.hours
    assert (line.topic, line.topic_id, line.hour) == ("events", "T", HOUR)
    assert (line.sent, line.accepted, line.duplicate, line.dead_letter) == (8, 5, 2, 1)
    assert (line.replayed, line.pending, line.lost, line.clients_missing) == (0, 0, 0, 0)
    lines = [(line.stage, line.expected, line.counted, line.left_out) for line in sheet.stages]
    assert lines == [
        ("announced for events", 8, 8, 0),
        (LEDGER, 8, 8, 0),
        ("gold.daily_track_plays", 5, 5, 0),
        ("gold.daily_user_plays", 5, 5, 0),
    ]


def test_a_record_without_a_fate_does_not_add_up(books: Books) -> None:
    books.arrive("silver.plays", 2)
    books.put(LEDGER, 1, offset=2, manifest_id="m")
    assert not books.line([manifest(3)]).adds_up


def test_a_record_with_two_fates_does_not_add_up(books: Books) -> None:
    books.arrive("silver.plays", 2)
    books.put("silver.duplicates", 1, manifest_id="m")
    assert not books.line([manifest(2)]).adds_up


def test_a_record_that_stands_in_the_ledger_twice_does_not_add_up(books: Books) -> None:
    books.arrive("silver.plays", 2)
    books.put(LEDGER, 1, manifest_id="m")
    sheet = books.sheet([manifest(2)])
    assert not sheet.hours[0].adds_up
    assert wrong(sheet) == ["announced for events", LEDGER]


def test_one_client_that_misses_a_fate_is_not_made_good_by_another_with_two(books: Books) -> None:
    books.arrive("silver.plays", 2, "m")
    books.put(LEDGER, 1, offset=2, manifest_id="m")
    books.put("silver.plays", 1, offset=3, manifest_id="n")
    (line,) = books.sheet([manifest(3)]).hours
    assert (line.sent, line.accepted, line.clients_wrong) == (3, 3, 2)
    assert not line.adds_up
