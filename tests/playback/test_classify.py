"""Records of the ledger to good rows and dead letters."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime

import orjson
import pyarrow as pa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from playback.arrow import arrow_schema
from playback.classify import CLASSIFIED_FIELDS, CLASSIFIED_SCHEMA, classify
from playback.reasons import Reason
from schemas.catalog import table
from schemas.checks import Between, InSet, Matches, TableCheck

MakeEvent = Callable[..., dict[str, object]]
MakePayload = Callable[..., bytes]
MakeRecords = Callable[[list[bytes | None]], pa.RecordBatch]

PLAYS = table("silver.plays")
RECORD = {
    "topic_id": "T",
    "partition": 3,
    "topic": "playback-events",
    "appended_at": datetime(2024, 5, 2, 12, tzinfo=UTC),
    "manifest_id": "m-1",
    "client_id": "unknown",
    "appended_date": date(2024, 5, 2),
}
NOTHING = dict.fromkeys(CLASSIFIED_SCHEMA.names)


def test_a_good_record_is_a_row_of_plays(event: MakeEvent, payload: MakePayload, records: MakeRecords) -> None:
    assert classify(records([payload()])).to_pylist() == [
        NOTHING
        | event()
        | RECORD
        | {
            "offset": 0,
            "event_date": date(2024, 5, 2),
            "rule_version": "v1",
            "counts_as_play": True,
            "is_skip": False,
            "skip_inferred": False,
        }
    ]


def test_a_bad_record_keeps_its_identity_and_payload_and_nothing_else(
    payload: MakePayload, records: MakeRecords
) -> None:
    bad = payload(ms_played=-1)
    assert classify(records([bad])).to_pylist() == [
        NOTHING
        | RECORD
        | {
            "offset": 0,
            "reason": "negative_duration",
            "detail": "A duration is negative. (field ms_played)",
            "payload": bad,
        }
    ]


def test_rows_stay_in_the_order_of_the_records(event: MakeEvent, payload: MakePayload, records: MakeRecords) -> None:
    mixed = [payload(event_id="a"), None, orjson.dumps(event(event_id="c")), b"x", payload(event_id="e")]
    found = classify(records(mixed))
    assert found.column("offset").to_pylist() == [0, 1, 2, 3, 4]
    assert found.column("event_id").to_pylist() == ["a", None, "c", None, "e"]
    assert found.column("reason").to_pylist() == [None, "missing_payload", None, "unknown_format", None]
    assert found.column("payload").to_pylist() == [None, None, None, b"x", None]


def test_what_the_source_does_not_say_is_filled(payload: MakePayload, records: MakeRecords) -> None:
    row = classify(records([payload(country=None, track_id=None, outcome=None, ms_played=5)])).to_pylist()[0]
    assert row["country"] == "ZZ"
    assert re.fullmatch("name:[0-9a-f]{32}", row["track_id"])
    assert (row["counts_as_play"], row["is_skip"], row["skip_inferred"]) == (False, True, True)


def test_a_playback_of_nothing_known_is_of_unknown_content(payload: MakePayload, records: MakeRecords) -> None:
    nothing = {"track_id": None, "track_title": None, "artist_name": None}
    kinds = ["track", "episode", "unknown"]
    found = classify(records([payload(content_type=kind, **nothing) for kind in kinds]))
    assert found.column("content_type").to_pylist() == ["unknown"] * 3
    assert found.column("track_id").to_pylist() == [None] * 3
    assert found.column("reason").to_pylist() == [None] * 3


def test_unknown_content_with_a_name_stays_unknown(payload: MakePayload, records: MakeRecords) -> None:
    row = classify(records([payload(content_type="unknown")])).to_pylist()[0]
    assert (row["content_type"], row["track_id"]) == ("unknown", "spotify:track:1")


def test_the_date_of_an_event_is_its_utc_date(payload: MakePayload, records: MakeRecords) -> None:
    ends = [datetime(2024, 5, 1, 23, 59, 59, 999_999, tzinfo=UTC), datetime(2024, 5, 2, tzinfo=UTC)]
    found = classify(records([payload(occurred_at=end, utc_offset_minutes=120) for end in ends]))
    assert found.column("event_date").to_pylist() == [date(2024, 5, 1), date(2024, 5, 2)]


def test_headers_that_disagree_with_the_body_are_ignored(payload: MakePayload, records: MakeRecords) -> None:
    batch = records([payload(install_id="body", sequence=7)])
    batch = batch.append_column("install_id", pa.array(["header"])).append_column("sequence", pa.array([8]))
    row = classify(batch).to_pylist()[0]
    assert (row["install_id"], row["sequence"], row["reason"]) == ("body", 7, None)


def test_times_without_a_zone_are_utc_and_other_arrow_forms_are_taken(
    payload: MakePayload, records: MakeRecords
) -> None:
    """Sail hands timestamps over without a zone where Spark does with one."""
    batch = records([payload(), b"x"])
    index = batch.schema.get_field_index("appended_at")
    naive = batch.column(index).cast(pa.timestamp("us"))
    other = batch.set_column(index, "appended_at", naive)
    other = other.set_column(0, "topic_id", other.column("topic_id").cast(pa.large_string()))
    other = other.set_column(
        other.schema.get_field_index("payload"), "payload", other.column("payload").cast(pa.large_binary())
    )
    assert classify(other).equals(classify(batch))


def test_no_records_give_no_rows(records: MakeRecords) -> None:
    assert classify(records([])).equals(pa.RecordBatch.from_pylist([], schema=CLASSIFIED_SCHEMA))


def test_the_classified_fields_are_those_of_plays_and_of_dead_letters() -> None:
    names = [field.name for field in CLASSIFIED_FIELDS]
    assert names == [*(field.name for field in PLAYS.fields), "appended_date", "reason", "detail", "payload"]
    assert {field.name for field in table("bronze.dead_letters").fields} <= set(names)
    required = [field.name for field in CLASSIFIED_FIELDS if not field.nullable]
    assert required == ["topic_id", "partition", "offset", "topic", "appended_at", "client_id", "appended_date"]


def plausible(event: dict[str, object]) -> st.SearchStrategy[dict[str, object]]:
    """Events near the edges of the rules, good and bad."""
    text = st.sampled_from([None, "", " ", "a", "DE", "ZZ", "track", "play", "0" * 32]) | st.text(max_size=3)
    number = st.none() | st.sampled_from([0, -1, 29_999, 30_000, 86_400_000, 86_400_001, 840, 2**31, 2**63])
    time = st.sampled_from(["2005-12-31T23:59:59Z", "2006-01-01T00:00:00Z", "2024-05-03T12:00:00Z", 0, "x"])
    values = {
        "event_id": text,
        "user_id": st.sampled_from(["0" * 32, "a" * 32, "x"]),
        "track_id": text,
        "track_title": text,
        "artist_name": text,
        "country": text,
        "content_type": text,
        "outcome": text,
        "ms_played": number,
        "track_ms": number,
        "utc_offset_minutes": number,
        "occurred_at": time,
    }
    return st.fixed_dictionaries({}, optional=values).map(lambda changes: event | changes)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(data=st.data())
def test_every_record_gets_one_verdict_and_what_is_accepted_fits_silver(
    event: MakeEvent, records: MakeRecords, data: st.DataObject
) -> None:
    payloads = data.draw(
        st.lists(plausible(event()).map(orjson.dumps) | st.none() | st.binary(max_size=20), max_size=6)
    )
    found = classify(records(payloads))
    found.validate(full=True)
    rows = found.to_pylist()
    assert [row["offset"] for row in rows] == list(range(len(payloads)))
    for row, payload in zip(rows, payloads, strict=True):
        assert (row["event_id"] is None) == (row["reason"] is not None) == (row["detail"] is not None)
        if row["reason"]:
            assert Reason(row["reason"])
            assert row["payload"] == payload
        else:
            assert row["payload"] is None
            assert_fits_silver(row)


def assert_fits_silver(row: dict[str, object]) -> None:
    """The declaration's nulls, types and checks, written out once more without any engine."""
    plays = {name: row[name] for name in arrow_schema(PLAYS.fields).names}
    pa.RecordBatch.from_pylist([plays], schema=arrow_schema(PLAYS.fields)).validate(full=True)
    assert [field.name for field in PLAYS.fields if not field.nullable and plays[field.name] is None] == []
    for check in PLAYS.checks:
        if isinstance(check, TableCheck):  # says nothing of one row
            continue
        value = plays[check.column]
        match check:
            case InSet(values=values):
                assert value is None or value in values
            case Between(minimum=minimum, maximum=maximum):
                assert isinstance(value, int)
                assert minimum is not None and maximum is not None and minimum <= value <= maximum
            case Matches(pattern=pattern):
                assert re.search(pattern, str(value))
            case other:
                raise AssertionError(f"no reading of {other}")
