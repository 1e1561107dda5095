"""silver.plays: what the records of the ledger say, typed and under the play rules."""

from datetime import UTC, date, datetime

from jobs.columns import classified
from jobs.silver.plays import transform


def _plays(session, records):
    return [row.asDict() for row in transform(classified(session.createDataFrame(records))).collect()]


def test_an_event_becomes_a_typed_row_with_its_record(session, records, event):
    (row,) = _plays(session, records(event("a", outcome="play", track_ms=200_000), first=4))

    assert (row["event_id"], row["track_id"], row["ms_played"], row["track_ms"]) == (
        "a",
        "test:track:1",
        180_000,
        200_000,
    )
    assert (row["topic_id"], row["partition"], row["offset"]) == ("T", 0, 4)
    assert (row["counts_as_play"], row["is_skip"], row["skip_inferred"], row["rule_version"]) == (
        True,
        False,
        False,
        "v1",
    )


def test_the_last_microsecond_of_a_utc_day_belongs_to_that_day(session, records, event):
    rows = _plays(
        session,
        records(
            event("before", occurred_at="2026-11-18T23:59:59.999999Z"),
            event("after", occurred_at="2026-11-19T00:00:00Z"),
        ),
    )

    assert {row["event_id"]: row["event_date"] for row in rows} == {
        "before": date(2026, 11, 18),
        "after": date(2026, 11, 19),
    }
    assert {row["event_id"]: row["occurred_at"] for row in rows}["before"].replace(tzinfo=UTC) == datetime(
        2026, 11, 18, 23, 59, 59, 999999, UTC
    )


def test_a_missing_country_is_zz_and_other_nulls_stay_null(session, records, event):
    (row,) = _plays(session, records(event("a", country=None)))

    assert (row["country"], row["platform"], row["outcome"], row["sequence"]) == ("ZZ", None, None, None)


def test_a_record_that_is_no_event_gives_no_play(session, records, event):
    rows = _plays(session, records(b"\xff", event("a"), None))

    assert [(row["event_id"], row["offset"]) for row in rows] == [("a", 1)]
