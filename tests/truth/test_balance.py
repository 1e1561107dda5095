"""What every client sent, and what became of it."""

from collections.abc import Callable
from typing import Any

Answer = Callable[..., list[dict[str, Any]]]
FATES = ("sent", "accepted", "duplicate", "dead_letter", "replayed", "pending", "lost", "unaccounted")
SPOILT = {"fault": "cut", "reason": "truncated_avro"}


def fates(answer: Answer, log: list[dict[str, Any]], stage: str = "silver", *, replayed: str = "") -> dict[str, Any]:
    """Of each client the counts that are not 0."""
    rows = answer("gold.event_balance", log, (replayed,) if replayed else ())
    return {row["client_id"]: {name: row[name] for name in FATES if row[name]} for row in rows if row["stage"] == stage}


def mark(high_water: int, **given: Any) -> dict[str, Any]:
    return {"install_id": "phone", "high_water": high_water, **given}


def test_each_client_has_a_row_for_each_stage(answer: Answer) -> None:
    log = [{}, SPOILT, {"install_id": "desk"}]
    assert fates(answer, log, "bronze") == {"phone": {"sent": 2, "accepted": 2}, "desk": {"sent": 1, "accepted": 1}}
    assert fates(answer, log) == {
        "phone": {"sent": 2, "accepted": 1, "dead_letter": 1},
        "desk": {"sent": 1, "accepted": 1},
    }


def test_a_message_without_installation_is_of_a_client_unknown(answer: Answer) -> None:
    log = [{"install_id": None, "sequence": None}, {"install_id": None, "sequence": None}]
    assert fates(answer, log) == {"unknown": {"sent": 2, "accepted": 2}}


def test_a_retry_counts_twice(answer: Answer) -> None:
    log = [{"event_id": "e", "sequence": 0}, {"event_id": "e", "sequence": 0}]
    assert fates(answer, log, "bronze") == {"phone": {"sent": 2, "accepted": 2}}
    assert fates(answer, log) == {"phone": {"sent": 2, "accepted": 1, "duplicate": 1}}


def test_a_playback_that_two_installations_report_is_the_duplicate_of_the_second(answer: Answer) -> None:
    log = [{"event_id": "e"}, {"event_id": "e", "install_id": "desk"}]
    assert fates(answer, log) == {"phone": {"sent": 1, "accepted": 1}, "desk": {"sent": 1, "duplicate": 1}}


def test_a_gap_is_pending_where_no_mark_says_more(answer: Answer) -> None:
    log = [{"sequence": 0}, {"sequence": 1, "message_number": None}, {"sequence": 3}]
    assert fates(answer, log) == {"phone": {"sent": 4, "accepted": 2, "pending": 2}}


def test_a_gap_below_a_mark_is_lost(answer: Answer) -> None:
    log = [{"sequence": 0}, {"sequence": 2}, mark(3)]
    assert fates(answer, log) == {"phone": {"sent": 3, "accepted": 2, "lost": 1}}
    assert fates(answer, log, "bronze") == {"phone": {"sent": 3, "accepted": 2, "lost": 1}}


def test_a_tail_is_lost_by_the_mark_and_unknown_without_one(answer: Answer) -> None:
    log = [{"sequence": 0}, {"sequence": 1, "message_number": None}]
    assert fates(answer, [*log, mark(2)]) == {"phone": {"sent": 2, "accepted": 1, "lost": 1}}
    assert fates(answer, log) == {"phone": {"sent": 1, "accepted": 1}}


def test_a_mark_that_was_not_sent_says_nothing(answer: Answer) -> None:
    assert fates(answer, [{"sequence": 1}, mark(2, message_number=None)]) == {
        "phone": {"sent": 2, "accepted": 1, "pending": 1}
    }


def test_a_gap_above_the_mark_is_pending(answer: Answer) -> None:
    log = [{"sequence": 1}, mark(2), {"sequence": 4}]
    assert fates(answer, log) == {"phone": {"sent": 5, "accepted": 2, "pending": 2, "lost": 1}}


def test_the_highest_of_several_marks_counts(answer: Answer) -> None:
    assert fates(answer, [mark(3), {"sequence": 0}, mark(1)]) == {"phone": {"sent": 3, "accepted": 1, "lost": 2}}


def test_a_client_of_which_only_the_mark_arrived_has_lost_everything(answer: Answer) -> None:
    assert fates(answer, [{"message_number": None}, mark(1)]) == {"phone": {"sent": 1, "lost": 1}}


def test_a_mark_of_nothing_is_no_row(answer: Answer) -> None:
    assert fates(answer, [mark(0)]) == {}


def test_the_record_that_brings_a_dead_letter_back_counts_too(answer: Answer) -> None:
    log = [SPOILT, {}]
    assert fates(answer, log, "bronze", replayed="cut") == {"phone": {"sent": 3, "accepted": 3}}
    assert fates(answer, log, replayed="cut") == {"phone": {"sent": 3, "accepted": 2, "replayed": 1}}


def test_a_dead_letter_that_comes_back_after_its_good_copy_is_a_duplicate(answer: Answer) -> None:
    log = [SPOILT | {"event_id": "e", "sequence": 0}, {"event_id": "e", "sequence": 0}]
    assert fates(answer, log, replayed="cut") == {"phone": {"sent": 3, "accepted": 1, "duplicate": 1, "replayed": 1}}
