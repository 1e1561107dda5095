"""What must hold of an event, and the edges of it, in Avro and in JSON."""

from collections.abc import Callable
from datetime import UTC, datetime

import orjson
import pyarrow as pa
import pytest

from playback.classify import classify

MakeEvent = Callable[..., dict[str, object]]
MakePayload = Callable[..., bytes]
MakeRecords = Callable[[list[bytes | None]], pa.RecordBatch]

REFUSED: dict[str, tuple[dict[str, object], str]] = {
    "no event_id": ({"event_id": ""}, "empty_field"),
    "no source": ({"source": ""}, "empty_field"),
    "an event_id of 129 characters": ({"event_id": "é" * 129}, "text_too_long"),
    "a title of 1,025 characters": ({"track_title": "é" * 1025}, "text_too_long"),
    "a user_id in capitals": ({"user_id": "0123456789ABCDEF" * 2}, "bad_user_id"),
    "a user_id of 31 digits": ({"user_id": "0" * 31}, "bad_user_id"),
    "a user_id with a line end": ({"user_id": "0" * 32 + "\n"}, "bad_user_id"),
    "an empty user_id": ({"user_id": ""}, "bad_user_id"),
    "a small country": ({"country": "de"}, "bad_country"),
    "an empty country": ({"country": ""}, "bad_country"),
    "a country with a line end": ({"country": "DE\n"}, "bad_country"),
    "a third content type": ({"content_type": "video"}, "bad_content_type"),
    "a third outcome": ({"outcome": "skipped"}, "bad_outcome"),
    "an empty outcome": ({"outcome": ""}, "bad_outcome"),
    "-1 ms heard": ({"ms_played": -1}, "negative_duration"),
    "more than a day heard": ({"ms_played": 86_400_001}, "absurd_duration"),
    "the longest number heard": ({"ms_played": 2**63 - 1}, "absurd_duration"),
    "a track of -1 ms": ({"track_ms": -1}, "negative_duration"),
    "a track longer than a day": ({"track_ms": 86_400_001}, "absurd_duration"),
    "-1 ms in pause": ({"paused_ms": -1}, "negative_duration"),
    "ended in 2005": ({"occurred_at": datetime(2005, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)}, "time_out_of_range"),
    "ended in year 1": ({"occurred_at": datetime(1, 1, 1, tzinfo=UTC)}, "time_out_of_range"),
    "ended 24 h after it arrived": ({"occurred_at": datetime(2024, 5, 3, 12, 0, 0, 1, tzinfo=UTC)}, "clock_skew"),
    "ended in year 9999": ({"occurred_at": datetime(9999, 12, 31, tzinfo=UTC)}, "clock_skew"),
    "841 minutes east": ({"utc_offset_minutes": 841}, "bad_utc_offset"),
    "841 minutes west": ({"utc_offset_minutes": -841}, "bad_utc_offset"),
}

ACCEPTED: dict[str, dict[str, object]] = {
    "an event_id of 128 characters": {"event_id": "é" * 128},
    "texts of 1,024 characters": {"track_title": "é" * 1024, "context": "x" * 1024},
    "empty texts": {"track_title": "", "artist_name": "", "platform": ""},
    "nothing heard": {"ms_played": 0, "track_ms": 0, "paused_ms": 0},
    "a whole day heard": {"ms_played": 86_400_000, "track_ms": 86_400_000, "paused_ms": 86_400_000},
    "ended as 2006 began": {"occurred_at": datetime(2006, 1, 1, tzinfo=UTC)},
    "ended 24 h after it arrived": {"occurred_at": datetime(2024, 5, 3, 12, tzinfo=UTC)},
    "14 hours east": {"utc_offset_minutes": 840},
    "14 hours west": {"utc_offset_minutes": -840},
    "no country, no outcome": {"country": None, "outcome": None},
    "an episode": {"content_type": "episode"},
}


def reasons(records: pa.RecordBatch) -> list[str | None]:
    found: list[str | None] = classify(records).column("reason").to_pylist()
    return found


@pytest.mark.parametrize("case", REFUSED)
def test_an_event_that_breaks_a_rule_is_refused_in_avro_and_in_json(
    case: str, event: MakeEvent, payload: MakePayload, records: MakeRecords
) -> None:
    changes, reason = REFUSED[case]
    batch = records([payload(), payload(**changes), orjson.dumps(event(**changes)), payload()])
    assert reasons(batch) == [None, reason, reason, None]


@pytest.mark.parametrize("case", ACCEPTED)
def test_an_event_at_the_edge_of_a_rule_is_accepted(
    case: str, event: MakeEvent, payload: MakePayload, records: MakeRecords
) -> None:
    changes = ACCEPTED[case]
    assert reasons(records([payload(**changes), orjson.dumps(event(**changes))])) == [None, None]


def test_of_several_broken_rules_the_first_is_named(payload: MakePayload, records: MakeRecords) -> None:
    found = classify(records([payload(country="x", ms_played=-1)]))
    assert found.column("detail").to_pylist() == ["country is not two capital letters. (field country)"]


def test_microseconds_that_are_no_year_are_refused(event: MakeEvent, records: MakeRecords) -> None:
    batch = records([orjson.dumps(event(occurred_at=micros)) for micros in (2**63 - 1, -(2**63))])
    assert reasons(batch) == ["clock_skew", "time_out_of_range"]
