"""The closed list of reasons."""

from playback.reasons import SENTENCES, Reason, sentence


def test_every_reason_has_one_sentence() -> None:
    assert SENTENCES.keys() == set(Reason)
    assert all(text.endswith(".") and text.count(". ") == 0 for text in SENTENCES.values())


def test_a_sentence_names_the_field_at_fault() -> None:
    assert sentence(Reason.NEGATIVE_DURATION, "track_ms") == "A duration is negative. (field track_ms)"
    assert sentence(Reason.EMPTY_PAYLOAD) == "The payload has no bytes."


def test_words_that_are_stored_do_not_change() -> None:
    assert [str(reason) for reason in Reason] == [
        "missing_payload",
        "empty_payload",
        "oversized_payload",
        "unknown_format",
        "unknown_fingerprint",
        "unknown_schema_id",
        "unfit_schema",
        "truncated_avro",
        "malformed_avro",
        "trailing_bytes",
        "invalid_utf8",
        "invalid_json",
        "missing_field",
        "wrong_type",
        "number_out_of_range",
        "empty_field",
        "text_too_long",
        "bad_user_id",
        "bad_content_type",
        "bad_outcome",
        "bad_country",
        "negative_duration",
        "absurd_duration",
        "time_out_of_range",
        "clock_skew",
        "bad_utc_offset",
    ]
