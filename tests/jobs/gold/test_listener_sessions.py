"""gold.listener_sessions: playbacks of each listener with no long silence between them."""

from datetime import UTC, date, datetime, timedelta

import pytest

from jobs.gold.listener_sessions import transform
from jobs.slice_columns import in_slices
from schemas.silver import MERGED_PLAYS, PLAYS
from schemas.statistics import LISTENER_SESSIONS

pytestmark = pytest.mark.slow_on_spark

ANNA, BEN = "a1" + "0" * 30, "a0" + "0" * 30  # of one share
TEN = datetime(2026, 11, 19, 10, tzinfo=UTC)
MINUTE, HALF_HOUR = timedelta(minutes=1), timedelta(minutes=30)
TIMES = ("first_ended_at", "started_at", "ended_at")


def _play(at=TEN, event_id="", **fields):
    usual = {"user_id": ANNA, "content_type": "track", "track_id": "t", "ms_played": 60_000, "counts_as_play": True}
    return usual | {"event_id": event_id, "occurred_at": at, "event_date": at.date()} | fields


@pytest.fixture
def sessions(frame):
    def computed(*plays):
        sliced = in_slices(frame(PLAYS, *plays), LISTENER_SESSIONS.refresh)
        rows = transform(sliced, frame(MERGED_PLAYS)).collect()
        found = [row.asDict() for row in rows]
        for row in found:
            row |= {name: row[name].replace(tzinfo=UTC) for name in TIMES}
        return sorted(found, key=lambda row: (row["user_id"], row["first_ended_at"]))

    return computed


def _spans(rows):
    return [(row["first_ended_at"], row["ended_at"], row["playback_count"]) for row in rows]


def test_a_session_sums_up_its_playbacks_and_counts_a_track_once(sessions):
    plays = [
        _play(TEN),
        _play(TEN + MINUTE, track_id="u", ms_played=1, counts_as_play=False, is_skip=True),
        _play(TEN + 2 * MINUTE, country="SE"),
    ]

    assert sessions(*plays) == [
        {
            "slice": "month.2026-11-01.a0",
            "event_date": TEN.date(),
            "user_id": ANNA,
            "first_ended_at": TEN,
            "started_at": TEN - MINUTE,
            "ended_at": TEN + 2 * MINUTE,
            "playback_count": 3,
            "play_count": 2,
            "skip_count": 1,
            "played_ms": 120_001,
            "track_count": 2,
            "is_flagged": False,
        }
    ]


def test_half_an_hour_of_silence_goes_on_and_a_millisecond_more_ends_it(sessions):
    second = TEN + HALF_HOUR + MINUTE
    third = second + HALF_HOUR + MINUTE + timedelta(milliseconds=1)

    assert _spans(sessions(_play(TEN), _play(second), _play(third))) == [(TEN, second, 2), (third, third, 1)]


def test_a_microsecond_more_than_half_an_hour_ends_it(sessions):
    second = TEN + HALF_HOUR + MINUTE + timedelta(microseconds=1)

    assert _spans(sessions(_play(TEN), _play(second))) == [(TEN, TEN, 1), (second, second, 1)]


def test_silence_is_what_was_not_heard_and_playbacks_may_overlap(sessions):
    hours = TEN + timedelta(hours=3)

    plays = [_play(TEN), _play(hours, ms_played=9_000_000), _play(hours + MINUTE, ms_played=80_000_000)]

    assert _spans(sessions(*plays)) == [(TEN, hours + MINUTE, 3)]
    assert sessions(*plays)[0]["started_at"] == TEN - MINUTE


def test_of_playbacks_that_end_at_once_the_one_of_the_lowest_id_is_first(sessions):
    later = TEN + timedelta(hours=1)
    first, second, third = (
        _play(later, "a", ms_played=2_000, track_id="z"),
        _play(later, "b", ms_played=1),
        _play(later, "c", ms_played=3_000_000),
    )

    rows = sessions(third, second, _play(TEN), first)

    assert _spans(rows) == [(TEN, TEN, 1), (later, later, 3)]
    assert rows[1]["started_at"] == later - timedelta(seconds=2)


def test_a_session_goes_on_over_midnight_and_is_of_the_day_on_which_its_first_playback_ended(sessions):
    before, after = datetime(2026, 11, 19, 23, 59, tzinfo=UTC), datetime(2026, 11, 20, tzinfo=UTC)

    (row,) = sessions(_play(before), _play(after))

    assert (row["event_date"], row["playback_count"], row["ended_at"]) == (date(2026, 11, 19), 2, after)


def test_the_end_of_the_year_ends_a_session_and_who_goes_on_begins_where_it_did(sessions):
    before, after = datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)

    rows = sessions(_play(before), _play(after))

    assert [row["slice"] for row in rows] == ["month.2026-12-01.a0", "month.2027-01-01.a0"]
    assert rows[1]["started_at"] == after - MINUTE


def test_what_another_listener_hears_is_silence(sessions):
    rows = sessions(_play(TEN), _play(TEN + 20 * MINUTE, user_id=BEN), _play(TEN + 40 * MINUTE))

    assert [(row["user_id"], row["playback_count"]) for row in rows] == [(BEN, 1), (ANNA, 1), (ANNA, 1)]


def test_a_session_is_flagged_as_the_day_of_its_first_playback(sessions):
    midnight = datetime(2026, 11, 20, tzinfo=UTC)
    evening = _play(midnight - MINUTE)
    hurried = [_play(midnight + timedelta(seconds=number), ms_played=1) for number in range(200)]

    rows = sessions(evening, *hurried, _play(midnight + timedelta(hours=2)))

    assert [(row["playback_count"], row["is_flagged"]) for row in rows] == [(201, False), (1, True)]


def test_episodes_are_silence_and_flag_nobody(sessions):
    talk = _play(TEN + 20 * MINUTE, content_type="episode", ms_played=86_400_000)
    later = TEN + 40 * MINUTE

    rows = sessions(_play(TEN), talk, _play(later))

    assert _spans(rows) == [(TEN, TEN, 1), (later, later, 1)]
    assert not any(row["is_flagged"] for row in rows)


def test_nothing_played_is_no_session(sessions):
    assert sessions() == []
