"""silver.duplicates: of records with one event id all but the earliest, compared with the earliest."""

from datetime import UTC, datetime

from jobs.columns import classified
from jobs.silver.duplicates import transform
from jobs.silver.plays import transform as plays
from schemas.silver import PLAYS


def _read(session, records):
    return classified(session.createDataFrame(records))


def _found(rows):
    return sorted((row["partition"], row["offset"], row["kept_offset"], row["is_conflict"]) for row in rows.collect())


def test_an_event_sent_once_is_no_duplicate(session, records, event, frame):
    rows = transform(_read(session, records(event("a"), event("b"))), frame(PLAYS))

    assert _found(rows) == []


def test_a_repeat_is_a_duplicate_of_the_earliest_record(session, records, event, frame):
    rows = transform(_read(session, records(event("a"), event("a"), event("a"))), frame(PLAYS))

    assert _found(rows) == [(0, 1, 0, False), (0, 2, 0, False)]


def test_other_content_under_one_id_is_a_conflict(session, records, event, frame):
    rows = transform(
        _read(session, records(event("a"), event("a", ms_played=1), event("a", platform="x"))), frame(PLAYS)
    )

    assert _found(rows) == [(0, 1, 0, True), (0, 2, 0, True)]


def test_what_an_older_version_cannot_say_contradicts_nobody(session, records, event, frame):
    """An export imported before a field was added, and again after it."""
    rows = transform(
        _read(
            session, records(event("a"), event("a", shuffle=True), event("b", shuffle=True), event("b", shuffle=False))
        ),
        frame(PLAYS),
    )

    assert _found(rows) == [(0, 1, 0, False), (0, 3, 2, True)]


def test_a_repeat_of_an_event_accepted_before_is_a_duplicate(session, records, event, frame):
    before = plays(_read(session, records(event("a"))))

    rows = transform(_read(session, records(event("a"), first=7)), before)

    assert _found(rows) == [(0, 7, 0, False)]


def test_the_accepted_record_becomes_the_duplicate_of_one_appended_before_it(session, records, event, frame):

    before = plays(_read(session, records(event("a"), first=5)))
    earlier = records(event("a"), partition=1, first=3, at=datetime(2026, 11, 20, 11, tzinfo=UTC))

    assert _found(transform(_read(session, earlier), before)) == [(0, 5, 3, False)]


def test_a_record_read_again_is_no_duplicate_of_itself(session, records, event, frame):
    again = _read(session, records(event("a")))

    assert _found(transform(again, plays(again))) == []
