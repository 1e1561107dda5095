"""Payloads that nobody can read, each among good neighbours: the reason, and that the neighbours stay."""

import gzip
from collections.abc import Callable
from io import BytesIO

import orjson
import pyarrow as pa
import pytest
from fastavro import parse_schema, schemaless_writer

from playback.datums import avro_fingerprint, reading_schema
from playback.wire import HEADER_BYTES, MAX_PAYLOAD_BYTES, decode
from schemas.events import CURRENT

MakeEvent = Callable[..., dict[str, object]]
MakePayload = Callable[..., bytes]

HEADER = b"\xc3\x01" + avro_fingerprint(CURRENT)
WIDE = parse_schema(orjson.loads(reading_schema(CURRENT)))

BYTES: dict[str, tuple[bytes | None, str]] = {
    "null": (None, "missing_payload"),
    "no bytes": (b"", "empty_payload"),
    "one byte": (b"\xc3", "unknown_format"),
    "one brace": (b"{", "invalid_json"),
    "text": (b"hello", "unknown_format"),
    "a JSON list": (b"[{}]", "unknown_format"),
    "gzip": (gzip.compress(b"{}", mtime=0), "unknown_format"),
    "Confluent framing": (b"\x00\x00\x00\x00\x01\x06abc", "unknown_format"),
    "the second marker byte is another": (b"\xc3\x02" + HEADER[2:], "unknown_format"),
    "the marker alone": (b"\xc3\x01", "truncated_avro"),
    "half a fingerprint": (HEADER[:6], "truncated_avro"),
    "another fingerprint": (b"\xc3\x01" + b"\x00" * 30, "unknown_fingerprint"),
    "big-endian fingerprint": (b"\xc3\x01" + HEADER[:1:-1] + b"\x00" * 30, "unknown_fingerprint"),
    "header without datum": (HEADER, "truncated_avro"),
    "a text of 2^62 bytes": (HEADER + b"\xfe\xff\xff\xff\xff\xff\xff\xff\x7f", "truncated_avro"),
    "a text of negative length": (HEADER + b"\x01" + b"\x00" * 60, "malformed_avro"),
    "a number of 20 bytes": (HEADER + b"\xff" * 20 + b"\x01", "malformed_avro"),
    "JSON with the end cut off": (b'{"event_id": "e', "invalid_json"),
    "JSON with a lone surrogate": (rb'{"event_id": "\ud800"}', "invalid_json"),
    "JSON with NaN": (b'{"ms_played": NaN}', "invalid_json"),
    "JSON with text after it": (b"{} {}", "invalid_json"),
    "JSON that is not UTF-8": (b'{"event_id": "\xff"}', "invalid_utf8"),
    "JSON nested 100,000 deep": (b'{"a":' + b"[" * 100_000, "invalid_json"),
    "an empty object": (b"{}", "missing_field"),
    "a megabyte": (b"{" + b" " * 1_000_000 + b"}", "oversized_payload"),
    "one byte too many": (b"{" + b" " * (MAX_PAYLOAD_BYTES - 1) + b"}", "oversized_payload"),
}

OBJECTS: dict[str, tuple[dict[str, object], str, str]] = {
    "a required field is null": ({"user_id": None}, "missing_field", "user_id"),
    "a number as text": ({"ms_played": "5"}, "wrong_type", "ms_played"),
    "a number with a fraction": ({"ms_played": 5.5}, "wrong_type", "ms_played"),
    "a whole number as a float": ({"seek_count": 5.0}, "wrong_type", "seek_count"),
    "a boolean as a number": ({"ms_played": True}, "wrong_type", "ms_played"),
    "a number as a boolean": ({"offline": 1}, "wrong_type", "offline"),
    "a list as text": ({"track_title": ["Blue"]}, "wrong_type", "track_title"),
    "an object as text": ({"event_id": {}}, "wrong_type", "event_id"),
    "a long past 63 bits": ({"ms_played": 2**63}, "number_out_of_range", "ms_played"),
    "a long past 64 bits": ({"ms_played": 2**64 - 1}, "number_out_of_range", "ms_played"),
    "an int past 31 bits": ({"seek_count": 2**31}, "number_out_of_range", "seek_count"),
    "a time that is none": ({"occurred_at": "yesterday"}, "wrong_type", "occurred_at"),
    "a time of no day": ({"occurred_at": "2024-02-30T10:00:00Z"}, "wrong_type", "occurred_at"),
    "a time without a zone": ({"occurred_at": "2024-05-02T10:30:00"}, "wrong_type", "occurred_at"),
    "a time as a float": ({"occurred_at": 1.7e15}, "wrong_type", "occurred_at"),
    "a time past 63 bits": ({"occurred_at": 2**63}, "number_out_of_range", "occurred_at"),
}


def verdict_among_good(bad: bytes | None, good: list[bytes]) -> tuple[str | None, str | None]:
    """Reason and detail of the payload, read in the middle of good ones that must stay good."""
    payloads = [*good, bad, *good]
    decoded = decode(pa.array(payloads, pa.binary()))
    reasons = decoded.reason.to_pylist()
    assert [row for row, reason in enumerate(reasons) if reason] == [len(good)]
    ids = decoded.events.column("event_id").to_pylist()
    assert ids == [*["e-1"] * len(good), None, *["e-1"] * len(good)]
    return reasons[len(good)], decoded.detail.to_pylist()[len(good)]


@pytest.fixture
def good(payload: MakePayload, event: MakeEvent) -> list[bytes]:
    return [payload(), orjson.dumps(event()), payload()]


@pytest.mark.parametrize("case", BYTES)
def test_bytes_that_are_no_event(case: str, good: list[bytes]) -> None:
    bad, reason = BYTES[case]
    assert verdict_among_good(bad, good)[0] == reason


@pytest.mark.parametrize("case", OBJECTS)
def test_json_objects_that_are_no_event(case: str, good: list[bytes], event: MakeEvent) -> None:
    changes, reason, field = OBJECTS[case]
    found, detail = verdict_among_good(orjson.dumps(event(**changes)), good)
    assert found == reason
    assert str(detail).endswith(f"(field {field})")


@pytest.mark.parametrize("number", [b"18446744073709551616", b"-9223372036854775809", b"9" * 300, b"1e30"], ids=str)
@pytest.mark.parametrize("field", ["ms_played", "seek_count", "occurred_at"])
def test_a_number_past_64_bits_is_out_of_range_and_no_fraction(
    number: bytes, field: str, event: MakeEvent, good: list[bytes]
) -> None:
    bad = orjson.dumps(event(**{field: "?"})).replace(b'"?"', number)
    found, detail = verdict_among_good(bad, good)
    assert found == "number_out_of_range"
    assert str(detail).endswith(f"(field {field})")


def test_every_cut_of_a_datum_is_truncated(payload: MakePayload, good: list[bytes]) -> None:
    whole = payload(network="wifi")
    found = {verdict_among_good(whole[:end], good)[0] for end in range(HEADER_BYTES, len(whole))}
    assert found == {"truncated_avro"}


def test_left_over_bytes_after_a_datum(payload: MakePayload, good: list[bytes]) -> None:
    assert verdict_among_good(payload() + b"\x00", good)[0] == "trailing_bytes"


def test_two_datums_in_one_payload(payload: MakePayload, good: list[bytes]) -> None:
    assert verdict_among_good(payload() + payload()[HEADER_BYTES:], good)[0] == "trailing_bytes"


def test_a_branch_that_does_not_exist(payload: MakePayload, good: list[bytes]) -> None:
    # the last field is a union of two: branch 2 (zigzag 4) is not one of them
    assert verdict_among_good(payload()[:-1] + b"\x04", good)[0] == "malformed_avro"


def test_text_that_is_not_utf8(payload: MakePayload, good: list[bytes]) -> None:
    bad = payload(track_title="ZZ").replace(b"\x04ZZ", b"\x04\xc3\x28")
    assert verdict_among_good(bad, good) == ("invalid_utf8", "A text is not UTF-8. (field track_title)")


def test_a_surrogate_written_as_three_bytes_is_not_utf8(payload: MakePayload, good: list[bytes]) -> None:
    bad = payload(track_title="ZZZ").replace(b"\x06ZZZ", b"\x06\xed\xa0\x80")
    assert verdict_among_good(bad, good)[0] == "invalid_utf8"


@pytest.mark.parametrize("number", [2**31, 2**32 + 5, -(2**31) - 1])
def test_an_int_past_31_bits_is_not_cut_down_to_one(number: int, event: MakeEvent, good: list[bytes]) -> None:
    out = BytesIO()
    schemaless_writer(out, WIDE, event(seek_count=number))
    found, detail = verdict_among_good(HEADER + out.getvalue(), good)
    assert found == "number_out_of_range"
    assert str(detail).endswith("(field seek_count)")


def test_a_number_in_more_bytes_than_it_needs_is_refused(event: MakeEvent, payload: MakePayload) -> None:
    longer = payload(private_session=True).removesuffix(b"\x02\x01") + b"\x82\x00\x01"
    assert verdict_among_good(longer, [payload()])[0] == "trailing_bytes"


def test_many_kinds_of_bad_payload_in_one_batch_keep_their_own_reasons(payload: MakePayload) -> None:
    mixed = [one for bad, _ in BYTES.values() for one in (bad, payload())]
    reasons = decode(pa.array(mixed, pa.binary())).reason.to_pylist()
    assert reasons == [one for _, reason in BYTES.values() for one in (reason, None)]
