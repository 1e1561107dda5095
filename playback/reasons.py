"""The closed list of reasons for which a record is a dead letter.

The words are stored and counted, so a released one never changes its meaning. A sentence names at most a field, never
any content of the record.
"""

from enum import StrEnum


class Reason(StrEnum):
    """Why a record is no valid event."""

    MISSING_PAYLOAD = "missing_payload"
    EMPTY_PAYLOAD = "empty_payload"
    OVERSIZED_PAYLOAD = "oversized_payload"
    UNKNOWN_FORMAT = "unknown_format"
    UNKNOWN_FINGERPRINT = "unknown_fingerprint"
    UNKNOWN_SCHEMA_ID = "unknown_schema_id"
    UNFIT_SCHEMA = "unfit_schema"
    TRUNCATED_AVRO = "truncated_avro"
    MALFORMED_AVRO = "malformed_avro"
    TRAILING_BYTES = "trailing_bytes"
    INVALID_UTF8 = "invalid_utf8"
    INVALID_JSON = "invalid_json"
    MISSING_FIELD = "missing_field"
    WRONG_TYPE = "wrong_type"
    NUMBER_OUT_OF_RANGE = "number_out_of_range"
    EMPTY_FIELD = "empty_field"
    TEXT_TOO_LONG = "text_too_long"
    BAD_USER_ID = "bad_user_id"
    BAD_CONTENT_TYPE = "bad_content_type"
    BAD_OUTCOME = "bad_outcome"
    BAD_COUNTRY = "bad_country"
    NEGATIVE_DURATION = "negative_duration"
    ABSURD_DURATION = "absurd_duration"
    TIME_OUT_OF_RANGE = "time_out_of_range"
    CLOCK_SKEW = "clock_skew"
    BAD_UTC_OFFSET = "bad_utc_offset"


SENTENCES: dict[Reason, str] = {
    Reason.MISSING_PAYLOAD: "The record has no payload: it was sent without one or has been erased.",
    Reason.EMPTY_PAYLOAD: "The payload has no bytes.",
    Reason.OVERSIZED_PAYLOAD: "The payload is larger than any event can be.",
    Reason.UNKNOWN_FORMAT: "The payload is neither Avro in a known encoding nor a JSON object.",
    Reason.UNKNOWN_FINGERPRINT: "The Avro fingerprint names no released version of the event.",
    Reason.UNKNOWN_SCHEMA_ID: "The schema registry has no schema under the id of the payload.",
    Reason.UNFIT_SCHEMA: "The schema under the id of the payload is not that of an Avro record of plain values.",
    Reason.TRUNCATED_AVRO: "The Avro datum ends before its last field.",
    Reason.MALFORMED_AVRO: "The Avro datum has a negative length, too long a number or a branch that does not exist.",
    Reason.TRAILING_BYTES: "Bytes are left over after the Avro datum, or it is not in its shortest form.",
    Reason.INVALID_UTF8: "A text is not UTF-8.",
    Reason.INVALID_JSON: "The payload starts like a JSON object but is none.",
    Reason.MISSING_FIELD: "A required field is absent or null.",
    Reason.WRONG_TYPE: "A field has a value of another type than declared.",
    Reason.NUMBER_OUT_OF_RANGE: "A number does not fit the declared type.",
    Reason.EMPTY_FIELD: "A required text is empty.",
    Reason.TEXT_TOO_LONG: "A text is longer than allowed.",
    Reason.BAD_USER_ID: "user_id is not 32 hexadecimal digits in lower case.",
    Reason.BAD_CONTENT_TYPE: "content_type is none of the declared ones.",
    Reason.BAD_OUTCOME: "outcome is none of the declared ones.",
    Reason.BAD_COUNTRY: "country is not two capital letters.",
    Reason.NEGATIVE_DURATION: "A duration is negative.",
    Reason.ABSURD_DURATION: "A duration is longer than a day.",
    Reason.TIME_OUT_OF_RANGE: "occurred_at is before 2006.",
    Reason.CLOCK_SKEW: "occurred_at is more than 24 hours after the broker received the record.",
    Reason.BAD_UTC_OFFSET: "utc_offset_minutes is beyond 14 hours.",
}


def sentence(reason: Reason, field: str = "") -> str:
    """The reason in one sentence, with the name of the field it was found in."""
    return f"{SENTENCES[reason]} (field {field})" if field else SENTENCES[reason]
