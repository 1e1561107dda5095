"""bronze.dead_letters: records that are no events, with their bytes and the reason."""

from datetime import date

from jobs.bronze.dead_letters import transform
from jobs.columns import classified, schema_ids


def test_a_record_that_is_no_event_keeps_its_identity_and_bytes(session, records, event):
    (row,) = transform(classified(session.createDataFrame(records(event("a"), b"\xffnonsense", first=8)))).collect()

    assert (row["topic_id"], row["partition"], row["offset"], bytes(row["payload"])) == ("T", 0, 9, b"\xffnonsense")
    assert (row["reason"], row["appended_date"]) == ("unknown_format", date(2026, 11, 20))


def test_a_record_without_a_payload_is_a_dead_letter(session, records):
    (row,) = transform(classified(session.createDataFrame(records(None)))).collect()

    assert (row["reason"], row["payload"]) == ("missing_payload", None)


def test_events_are_no_dead_letters(session, records, event):
    assert transform(classified(session.createDataFrame(records(event("a"))))).collect() == []


def test_ids_of_a_registry_are_found_and_what_they_name_is_given_to_the_workers(session, records):
    payloads = [b"\x00\x00\x00\x00\x07\x00", b"\x00\x00\x00\x01\x00", b"\x00\x00\x00\x00\x07\x00", b"{}", None, b"\x00"]
    ledger = session.createDataFrame(records(*payloads))
    assert sorted(row[0] for row in schema_ids(ledger).collect()) == [7, 256]
    found = transform(classified(ledger, {7: "no schema", 256: None})).collect()
    assert sorted((row["offset"], row["reason"]) for row in found) == [
        (0, "unfit_schema"),
        (1, "unknown_schema_id"),
        (2, "unfit_schema"),
        (3, "missing_field"),
        (4, "missing_payload"),
        (5, "truncated_avro"),
    ]
