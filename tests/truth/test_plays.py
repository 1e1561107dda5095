"""What the daily tables count, by hand."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest

from tests.daily_activity import clean_beside_raw

Answer = Callable[..., list[dict[str, Any]]]
TRACKS, USERS, DUPLICATES = "gold.daily_track_plays", "gold.daily_user_plays", "silver.duplicates"


def counts(row: dict[str, Any]) -> tuple[int, int, int]:
    return row["playback_count"], row["play_count"], row["skip_count"]


@pytest.mark.parametrize(
    ("outcome", "ms_played", "counted"),
    [
        ("play", 30_000, (1, 1, 0)),
        ("play", 29_999, (1, 0, 0)),
        ("skip", 30_000, (1, 1, 1)),
        ("skip", 29_999, (1, 0, 1)),
        (None, 30_000, (1, 1, 0)),
        (None, 29_999, (1, 0, 1)),
    ],
)
def test_half_a_minute_decides(answer: Answer, outcome: str | None, ms_played: int, counted: tuple[int, ...]) -> None:
    [row] = answer(TRACKS, [{"outcome": outcome, "ms_played": ms_played}])
    assert counts(row) == counted
    [row] = answer(USERS, [{"outcome": outcome, "ms_played": ms_played}])
    assert counts(row) == counted


def test_a_track_is_counted_by_day_and_country_and_a_listener_once(answer: Answer) -> None:
    assert answer(TRACKS, [{}, {"ms_played": 1, "outcome": "skip"}, {"user_id": "bob"}]) == [
        {
            "event_date": date(2026, 1, 31),
            "country": "DE",
            "track_id": "uri:1",
            "playback_count": 3,
            "play_count": 2,
            "skip_count": 1,
            "listener_count": 2,
            "played_ms": 60_001,
            "clean_playback_count": 3,
            "clean_play_count": 2,
            "clean_skip_count": 1,
            "clean_played_ms": 60_001,
            "clean_listener_count": 2,
        }
    ]


def test_a_listener_is_counted_by_day_and_a_track_once(answer: Answer) -> None:
    assert answer(USERS, [{}, {"country": "SE"}, {"track_id": "uri:2"}]) == [
        {
            "event_date": date(2026, 1, 31),
            "user_id": "ada",
            "playback_count": 3,
            "play_count": 3,
            "skip_count": 0,
            "track_count": 2,
            "played_ms": 90_000,
            "clean_playback_count": 3,
            "clean_play_count": 3,
            "clean_skip_count": 0,
            "clean_played_ms": 90_000,
        }
    ]


def test_nothing_of_a_day_of_more_than_a_day_is_clean_and_other_days_and_listeners_are(answer: Answer) -> None:
    full = [{"ms_played": 43_200_000}, {"ms_played": 43_200_000, "country": "SE"}]
    yesterday = datetime(2026, 1, 30, 23, 59, 59, 999_999, tzinfo=UTC)
    bobs = [{**one, "user_id": "bob"} for one in full]
    log = [*full, {"ms_played": 1, "outcome": "skip"}, {"occurred_at": yesterday, "ms_played": 40_000}, *bobs]
    assert clean_beside_raw(answer(USERS, log)) == {
        ("ada", 31): ((0, 3), (0, 2), (0, 1), (0, 86_400_001)),
        ("ada", 30): ((1, 1), (1, 1), (0, 0), (40_000, 40_000)),
        ("bob", 31): ((2, 2), (2, 2), (0, 0), (86_400_000, 86_400_000)),
    }


def test_nothing_of_a_day_of_two_hundred_short_playbacks_is_clean(answer: Answer) -> None:
    short = [{"ms_played": 45_000}] * 199
    hurried = ((0, 200), (0, 200), (0, 0), (0, 8_999_999))
    assert clean_beside_raw(answer(USERS, [*short, {"ms_played": 44_999}])) == {("ada", 31): hurried}
    mean = ((200, 200), (200, 200), (0, 0), (9_000_000, 9_000_000))
    assert clean_beside_raw(answer(USERS, [*short, {"ms_played": 45_000}])) == {("ada", 31): mean}


def test_what_a_flagged_listener_played_is_not_clean_in_any_track_and_country_of_that_day_alone(answer: Answer) -> None:
    yesterday = {"occurred_at": datetime(2026, 1, 30, 12, tzinfo=UTC)}
    adas = [{"ms_played": 43_200_000}, {"ms_played": 43_200_001, "country": "SE"}, yesterday]
    rows = answer(TRACKS, [*adas, {"user_id": "bob"}, {"user_id": "eve", "ms_played": 1, "outcome": "skip"}])
    names = ("playback_count", "play_count", "skip_count", "played_ms", "listener_count")
    assert {
        (row["event_date"].day, row["country"]): tuple((row[f"clean_{name}"], row[name]) for name in names)
        for row in rows
    } == {
        (30, "DE"): ((1, 1), (1, 1), (0, 0), (30_000, 30_000), (1, 1)),
        (31, "DE"): ((2, 3), (1, 2), (1, 1), (30_001, 43_230_001), (2, 3)),
        (31, "SE"): ((0, 1), (0, 1), (0, 0), (0, 43_200_001), (0, 1)),
    }


def test_an_episode_flags_no_day_of_music(answer: Answer) -> None:
    talk = [{"content_type": "episode", "ms_played": 86_400_000}] * 2
    day = ((1, 1), (1, 1), (0, 0), (30_000, 30_000))
    assert clean_beside_raw(answer(USERS, [{}, *talk])) == {("ada", 31): day}


def test_a_day_is_one_of_utc(answer: Answer) -> None:
    last = datetime(2026, 1, 31, 23, 59, 59, 999_999, tzinfo=UTC)
    rows = answer(TRACKS, [{"occurred_at": last}, {"occurred_at": datetime(2026, 2, 1, tzinfo=UTC)}])
    assert [row["event_date"] for row in rows] == [date(2026, 1, 31), date(2026, 2, 1)]


def test_no_country_is_zz(answer: Answer) -> None:
    [row] = answer(TRACKS, [{"country": None}, {"country": "ZZ"}])
    assert (row["country"], row["playback_count"]) == ("ZZ", 2)


def test_episodes_and_what_is_unknown_are_no_music(answer: Answer) -> None:
    left_out = [
        {"content_type": "episode"},
        {"content_type": "unknown"},
        {"track_id": " ", "track_title": "\u2003"},
        {"track_id": None, "track_title": None},
    ]
    assert answer(TRACKS, left_out) == []
    assert answer(USERS, left_out) == []


def test_what_was_never_sent_does_not_count(answer: Answer) -> None:
    assert answer(TRACKS, [{"message_number": None}]) == []


def test_a_mark_is_no_playback(answer: Answer) -> None:
    assert answer(TRACKS, [{"install_id": "phone", "high_water": 0}]) == []


def test_the_first_message_of_a_playback_wins_though_it_says_it_was_later(answer: Answer) -> None:
    later = datetime(2026, 1, 31, 13, tzinfo=UTC)
    sent_second = {"message_number": 8, "event_id": "e", "ms_played": 50_000}
    sent_first = {"message_number": 7, "event_id": "e", "ms_played": 40_000, "occurred_at": later}
    [row] = answer(TRACKS, [sent_second, sent_first])
    assert (row["playback_count"], row["played_ms"]) == (1, 40_000)


def test_messages_without_an_id_are_playbacks_of_their_own(answer: Answer) -> None:
    [row] = answer(TRACKS, [{}, {}, {"event_id": "e"}, {"event_id": "e"}])
    assert row["playback_count"] == 3


def test_a_good_copy_after_a_dead_letter_is_accepted(answer: Answer) -> None:
    log = [{"event_id": "e", "fault": "cut", "reason": "truncated_avro"}, {"event_id": "e", "ms_played": 40_000}]
    [row] = answer(TRACKS, log)
    assert (row["playback_count"], row["played_ms"]) == (1, 40_000)
    assert answer(DUPLICATES, log) == [{"count": 0, "conflict_count": 0}]


def test_a_fault_that_is_no_reason_makes_no_dead_letter(answer: Answer) -> None:
    assert len(answer(TRACKS, [{"fault": "late"}])) == 1
    assert answer("bronze.dead_letters", [{"fault": "late"}]) == []


def test_dead_letters_are_counted_by_reason(answer: Answer) -> None:
    log = [{"reason": "trailing_bytes", "fault": "a"}, {"reason": "bad_user_id"}, {"reason": "trailing_bytes"}]
    assert answer("bronze.dead_letters", log, ("a",)) == [
        {"reason": "bad_user_id", "count": 1},
        {"reason": "trailing_bytes", "count": 2},
    ]


def test_only_other_content_under_an_id_is_a_conflict(answer: Answer) -> None:
    first = {"event_id": "e", "sequence": 0, "country": None}
    resent = first | {"country": "ZZ", "track_id": " uri:1\n"}
    other_installation = first | {"install_id": "desk"}
    assert answer(DUPLICATES, [first, resent, other_installation]) == [{"count": 2, "conflict_count": 1}]


def test_only_dead_letters_of_the_faults_that_are_named_come_back(answer: Answer) -> None:
    log = [
        {"fault": "cut", "reason": "truncated_avro", "ms_played": 31_000},
        {"fault": "late", "ms_played": 32_000},
        {"fault": "torn", "reason": "trailing_bytes", "ms_played": 33_000},
    ]
    [row] = answer(TRACKS, log, ("cut", "late"))
    assert (row["playback_count"], row["played_ms"]) == (2, 63_000)


def test_what_comes_back_comes_after_everything_else(answer: Answer) -> None:
    spoilt = {"event_id": "e", "fault": "cut", "reason": "truncated_avro", "ms_played": 31_000}
    [row] = answer(TRACKS, [spoilt, {"event_id": "e", "ms_played": 32_000}], ("cut",))
    assert row["played_ms"] == 32_000


def test_what_comes_back_comes_in_its_old_order(answer: Answer) -> None:
    spoilt = {"event_id": "e", "fault": "cut", "reason": "truncated_avro"}
    log = [spoilt | {"message_number": 2, "ms_played": 2}, spoilt | {"message_number": 1, "ms_played": 1}]
    [row] = answer(TRACKS, log, ("cut",))
    assert (row["playback_count"], row["played_ms"]) == (1, 1)


def test_an_empty_log_has_answers(answer: Answer) -> None:
    for table in (TRACKS, USERS, "gold.country_charts", "gold.event_balance", "bronze.dead_letters"):
        assert answer(table, []) == []
    assert answer(DUPLICATES, []) == [{"count": 0, "conflict_count": 0}]
