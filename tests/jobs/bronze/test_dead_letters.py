"""bronze.dead_letters: records that are no events, with their bytes and the reason."""

from datetime import date

from jobs.bronze.dead_letters import transform
from jobs.columns import classified


def test_a_record_that_is_no_event_keeps_its_identity_and_bytes(session, records, event):
    (row,) = transform(classified(session.createDataFrame(records(event("a"), b"\xffnonsense", first=8)))).collect()

    assert (row["topic_id"], row["partition"], row["offset"], bytes(row["payload"])) == ("T", 0, 9, b"\xffnonsense")
    assert (row["reason"], row["appended_date"]) == ("unknown_format", date(2026, 11, 20))


def test_a_record_without_a_payload_is_a_dead_letter(session, records):
    (row,) = transform(classified(session.createDataFrame(records(None)))).collect()

    assert (row["reason"], row["payload"]) == ("missing_payload", None)


def test_events_are_no_dead_letters(session, records, event):
    assert transform(classified(session.createDataFrame(records(event("a"))))).collect() == []
