"""`live.minute_user_sessions` on Beam's TestStream: on time, early, late, too late, an idle partition, a new life."""

from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any

import pyarrow as pa

from pipelines.transforms.elements import Changes
from pipelines.transforms.live import Run
from pipelines.transforms.rules import Rules
from pipelines.transforms.sessions import NO_SESSIONS
from tests.pipelines.conftest import LISTENER, NOON, NOON_US, Log
from tests.pipelines.streams import live

MakeRun = Callable[..., Run]
TABLE = "live.minute_user_sessions"


def rows(changes: Iterable[Changes]) -> list[dict[str, Any]]:
    return [row for one in changes for row in (one.rows[TABLE].to_pylist() if TABLE in one.rows else [])]


def shown(*changes: Changes) -> list[tuple[int, str, int, int]]:
    """Of each row the minute after noon, the track played last, the playbacks of the session and the skips in a row."""
    return [
        (
            (row["window_start"] - NOON) // timedelta(minutes=1),
            row["last_track_id"],
            row["playback_count"],
            row["skips_in_a_row"],
        )
        for row in rows(changes)
    ]


def test_a_playback_on_time_is_what_the_listener_played_last(log: Log, run: MakeRun) -> None:
    (changes,) = live([log.batch(log.event("a", 1.5, artist_name="Ana"), passed=2)], run())
    (row,) = rows([changes])
    artist = row.pop("recent_artists")
    assert len(artist) == 8 and artist != bytes(8)
    assert row == {
        "window_start": NOON,
        "user_id": LISTENER,
        "last_track_id": "t1",
        "last_occurred_at": NOON + timedelta(seconds=1.5),
        "session_started_at": NOON + timedelta(seconds=1.5),
        "playback_count": 1,
        "play_count": 1,
        "skip_count": 0,
        "skips_in_a_row": 0,
        "taste_drift_permille": None,
    }


def test_early_rows_are_restated_and_a_late_playback_restates_the_minutes_after_it(log: Log, run: MakeRun) -> None:
    changes = live(
        [
            log.batch(log.event("a", 10, track_id="a"), log.event("b", 70, track_id="b", outcome="skip"), passed=75),
            log.batch(log.event("c", 80, track_id="c", outcome="skip"), passed=90),
            log.batch(log.event("late", 50, appended=180, track_id="late", outcome="skip"), passed=180.5),
        ],
        run(),
    )
    assert [shown(one) for one in changes] == [
        [(0, "a", 1, 0), (1, "b", 2, 1)],
        [(1, "c", 3, 2)],
        [(0, "late", 2, 1), (1, "c", 4, 3)],
    ]


def test_too_late_an_episode_and_a_repeat_are_in_no_session(log: Log, run: MakeRun) -> None:
    changes = live(
        [
            log.batch(log.event("a", 10), log.event("a", 10, appended=11), passed=12),
            log.batch(log.event("e", 20, content_type="episode"), passed=30),
            log.batch(log.event("late", 59, appended=180.000_001), passed=181),
        ],
        run(),
    )
    assert [shown(one) for one in changes] == [[(0, "t1", 1, 0)], [], []]


def test_an_idle_partition_holds_no_session_up_and_silence_ends_it(log: Log, run: MakeRun) -> None:
    """Minutes close while only time passes; the next playback goes on, or begins anew after half an hour."""
    changes = live(
        [
            log.batch(log.event("a", 0, track_id="a"), passed=1),
            log.batch(passed=1_000),
            log.batch(log.event("b", 1_799, track_id="b", partition=1), passed=1_799.5),
            log.batch(passed=3_000),
            log.batch(log.event("c", 3_599, track_id="c"), passed=3_600),
        ],
        run(),
    )
    assert [shown(one) for one in changes] == [[(0, "a", 1, 0)], [], [(29, "b", 2, 0)], [], [(59, "c", 1, 0)]]


def test_nothing_of_an_open_minute_is_given_out_before_it_has_caught_up(log: Log, run: MakeRun) -> None:
    changes = live(
        [
            log.batch(log.event("a", 0, track_id="a"), log.event("b", 60, track_id="b"), passed=70, caught_up=False),
            log.batch(log.event("c", 61, track_id="c"), passed=181, caught_up=False),
            log.batch(passed=182),
        ],
        run(),
    )
    assert [shown(one) for one in changes] == [[], [(0, "a", 1, 0)], [(1, "c", 3, 0)]]


def test_a_session_longer_than_what_is_read_again_goes_on_from_the_row_at_the_marker(log: Log, run: MakeRun) -> None:
    """Two hours without silence. A life that starts late in it reads eight minutes again and has one stored row."""
    rules = Rules()
    events = [
        log.event(f"e{n}", n, appended=n + 1, artist_name=f"a{n // 400 % 7}", outcome="skip" if n % 300 else "play")
        for n in range(0, 7_200, 100)
    ]
    whole = rows(live([log.batch(*events, passed=7_500)], run()))
    marker = rules.marker_us(NOON_US + 6_500 * 1_000_000)
    tail = [row for row in events if row["appended_at"].timestamp() * 1e6 >= rules.replay_from_us(marker)]
    assert len(tail) < len(events) / 4
    moments = {name: pa.scalar(us, pa.int64()).cast(pa.timestamp("us", "UTC")).as_py()
               for name, us in (("from", rules.sessions_from_us(marker)), ("until", marker))}  # fmt: skip
    before = [row for row in whole if moments["from"] <= row["window_start"] < moments["until"]]
    stored = pa.Table.from_pylist(before[-1:], NO_SESSIONS.schema)
    again = rows(live([Log().batch(*tail, passed=7_500)], run(marker_us=marker, sessions=stored)))
    assert again == [row for row in whole if row["window_start"] >= moments["until"]] != []
    assert again[-1]["playback_count"] == len(events)
    assert again[-1]["taste_drift_permille"] is not None
