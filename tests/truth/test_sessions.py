"""Where one session of a listener ends and the next one begins."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

Answer = Callable[..., list[dict[str, Any]]]
SESSIONS = "gold.listener_sessions"
NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
HALF_AN_HOUR = timedelta(minutes=30)
TRACK = timedelta(seconds=30)


def ended(*moments: datetime) -> list[dict[str, Any]]:
    return [{"occurred_at": moment} for moment in moments]


def spans(answer: Answer, log: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    rows = answer(SESSIONS, log)
    return [(row["first_ended_at"], row["ended_at"], row["playback_count"]) for row in rows]


def test_a_session_is_counted_as_a_whole(answer: Answer) -> None:
    last = NOON + timedelta(minutes=3, microseconds=1)
    log = [
        {"occurred_at": last, "track_id": "uri:2", "outcome": "skip", "ms_played": 5},
        {"ms_played": 200_000},
        {"occurred_at": last - timedelta(minutes=1), "track_id": "uri:2"},
    ]
    assert answer(SESSIONS, log) == [
        {
            "slice": "month.2026-01-01.a8",
            "event_date": date(2026, 1, 31),
            "user_id": "ada",
            "first_ended_at": NOON,
            "started_at": NOON - timedelta(seconds=200),
            "ended_at": last,
            "playback_count": 3,
            "play_count": 2,
            "skip_count": 1,
            "played_ms": 230_005,
            "track_count": 2,
            "is_flagged": False,
        }
    ]


def test_exactly_half_an_hour_of_silence_ends_no_session(answer: Answer) -> None:
    last = NOON + HALF_AN_HOUR + TRACK
    assert spans(answer, ended(NOON, last)) == [(NOON, last, 2)]


def test_more_than_half_an_hour_of_silence_ends_a_session(answer: Answer) -> None:
    last = NOON + HALF_AN_HOUR + TRACK + timedelta(microseconds=1)
    assert spans(answer, ended(NOON, last)) == [(NOON, NOON, 1), (last, last, 1)]


def test_a_session_lasts_as_long_as_nothing_ends_it(answer: Answer) -> None:
    moments = [NOON + number * HALF_AN_HOUR for number in range(5)]
    assert spans(answer, ended(*moments)) == [(NOON, moments[-1], 5)]


def test_silence_is_up_to_the_start_of_what_is_heard_next(answer: Answer) -> None:
    last = NOON + timedelta(hours=2)
    log = [{}, {"occurred_at": last, "ms_played": 5_400_000}]
    assert spans(answer, log) == [(NOON, last, 2)]


def test_a_session_over_midnight_is_one_of_the_day_on_which_its_first_playback_ended(answer: Answer) -> None:
    before, after = datetime(2026, 1, 30, 23, 59, tzinfo=UTC), datetime(2026, 1, 31, 0, 1, tzinfo=UTC)
    [row] = answer(SESSIONS, ended(before, after))
    assert (row["event_date"], row["playback_count"], row["ended_at"]) == (date(2026, 1, 30), 2, after)


def test_a_playback_that_began_yesterday_is_of_today(answer: Answer) -> None:
    moment = datetime(2026, 2, 1, 0, 0, 10, tzinfo=UTC)
    [row] = answer(SESSIONS, ended(moment))
    assert (row["slice"], row["event_date"]) == ("month.2026-02-01.a8", date(2026, 2, 1))
    assert row["started_at"] == datetime(2026, 1, 31, 23, 59, 40, tzinfo=UTC)


def test_the_end_of_a_month_ends_a_session(answer: Answer) -> None:
    january, february = datetime(2026, 1, 31, 23, 59, 59, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)
    rows = answer(SESSIONS, ended(january, february))
    assert [(row["slice"], row["first_ended_at"], row["started_at"]) for row in rows] == [
        ("month.2026-01-01.a8", january, january - TRACK),
        ("month.2026-02-01.a8", february, february - TRACK),
    ]


def test_listeners_have_sessions_of_their_own_in_any_country_and_on_any_device(answer: Answer) -> None:
    log = [{}, {"user_id": "bob"}, {"country": "SE", "install_id": "desk"}]
    assert [(row["user_id"], row["playback_count"]) for row in answer(SESSIONS, log)] == [("ada", 2), ("bob", 1)]


def test_episodes_are_silence(answer: Answer) -> None:
    later = NOON + timedelta(minutes=40)
    between = {"occurred_at": NOON + timedelta(minutes=20), "content_type": "episode"}
    assert len(spans(answer, [*ended(NOON, later), between])) == 2


def test_of_playbacks_that_end_at_once_the_first_is_the_one_of_the_lower_id(answer: Answer) -> None:
    later = NOON + timedelta(hours=1)
    long = {"occurred_at": later, "ms_played": 3_000_000}
    short = {"occurred_at": later, "ms_played": 1}
    log = [{}, long | {"event_id": "B"}, short | {"event_id": "a"}]
    assert spans(answer, log) == [(NOON, later, 3)]
    log = [{}, long | {"event_id": "b"}, short | {"event_id": "a"}]
    assert spans(answer, log) == [(NOON, NOON, 1), (later, later, 2)]
    assert answer(SESSIONS, log)[1]["started_at"] == later - timedelta(milliseconds=1)


def test_a_session_is_flagged_as_the_day_on_which_its_first_playback_ended(answer: Answer) -> None:
    midnight = datetime(2026, 1, 31, tzinfo=UTC)
    evening = ended(midnight - timedelta(minutes=1))
    farmed = [{"occurred_at": midnight + timedelta(seconds=number), "ms_played": 1} for number in range(200)]
    later = ended(midnight + timedelta(hours=2))
    rows = answer(SESSIONS, [*evening, *farmed, *later])
    assert [(row["playback_count"], row["is_flagged"]) for row in rows] == [(201, False), (1, True)]
