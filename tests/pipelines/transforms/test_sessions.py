"""Sessions from playbacks: literal rows, and a naive recount that shares no code."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.transforms import open_sessions
from pipelines.transforms.drift import taste_drift
from pipelines.transforms.open_sessions import OpenSessions
from pipelines.transforms.rules import Rules
from pipelines.transforms.sessions import HEARD, NO_SESSIONS, heard
from playback.classify import CLASSIFIED_SCHEMA
from tests.pipelines.conftest import LISTENER, NOON, NOON_US

SECOND = 1_000_000
MINUTE = 60 * SECOND
RULES = Rules()
OTHER = "f" * 32
SHOWN = ("playback_count", "play_count", "skip_count", "skips_in_a_row", "taste_drift_permille")


def playback(second: float, user: str = LISTENER, artist: int = 1, play: int = 1, skip: int = 0, **other: Any) -> dict:
    row = {"user_id": user, "event_id": f"e{second}", "track_id": f"t{second:g}", "artist": artist}
    row |= {"occurred_us": NOON_US + round(second * SECOND), "counts_as_play": play, "is_skip": skip}
    return row | other


def table(*rows: dict[str, Any]) -> pa.Table:
    return pa.Table.from_pylist(list(rows), HEARD)


def session_rows(playbacks: pa.Table, before: pa.Table, rules: Rules) -> pa.Table:
    """The rows of playbacks that come at once, behind those that say how sessions stood; by listener and window."""
    state = OpenSessions(0, before, rules)
    state.add(playbacks)
    return state.changes().sort_by([("user_id", "ascending"), ("window_start", "ascending")])


def shown(rows: pa.Table) -> list[tuple[Any, ...]]:
    """Minute after noon, second at which the session started, track and counts."""
    return [
        (
            (row["window_start"] - NOON) // timedelta(minutes=1),
            (row["session_started_at"] - NOON).total_seconds(),
            row["last_track_id"],
            *(row[name] for name in SHOWN),
        )
        for row in rows.to_pylist()
    ]


def test_a_row_says_how_the_session_stands_at_the_end_of_its_minute() -> None:
    rows = session_rows(table(playback(5), playback(1), playback(65, skip=1, play=0)), NO_SESSIONS, RULES)
    assert shown(rows) == [(0, 1.0, "t5", 2, 2, 0, 0, None), (1, 1.0, "t65", 3, 2, 1, 1, None)]


def test_half_an_hour_of_silence_ends_a_session_and_less_does_not() -> None:
    gap = 1_800
    rows = session_rows(table(playback(0), playback(gap - 0.001), playback(2 * gap - 0.001)), NO_SESSIONS, RULES)
    assert [row[1:4] for row in shown(rows)] == [
        (0.0, "t0", 1),
        (0.0, "t1800", 2),
        (2 * gap - 0.001, "t3600", 1),
    ]


def test_a_session_goes_on_from_the_row_before() -> None:
    before = session_rows(table(*(playback(second, skip=1) for second in (0, 1, 2))), NO_SESSIONS, RULES)
    rows = session_rows(table(playback(60, skip=1), playback(61, user=OTHER)), before, RULES)
    assert shown(rows) == [(1, 0.0, "t60", 4, 4, 4, 4, None), (1, 61.0, "t61", 1, 1, 0, 0, None)]
    later = session_rows(table(playback(2 + 1_800)), before, RULES)
    assert shown(later) == [(30, 1802.0, "t1802", 1, 1, 0, 0, None)]


def test_skips_in_a_row_begin_again_with_what_is_none_and_with_a_session() -> None:
    skips = [playback(0, skip=1), playback(60), playback(120, skip=1), playback(180, skip=1), playback(5_000, skip=1)]
    assert [row[6] for row in shown(session_rows(table(*skips), NO_SESSIONS, RULES))] == [1, 0, 1, 2, 1]


def test_taste_drifts_by_what_the_last_plays_have_not_in_common_with_those_before() -> None:
    """Before: artists 1 (twice) and 2; last: 1, 1, 1, 2 and 3. In common 3/5 and 1/5, so a fifth is apart."""
    artists = (1, 1, 2, 1, 1, 1, 2, 3)
    plays = [playback(second, artist=artist) for second, artist in enumerate(artists)]
    unheard = [playback(8, artist=9, play=0, skip=1), playback(9, artist=0)]
    rows = session_rows(table(*plays, *unheard), NO_SESSIONS, RULES)
    assert shown(rows)[0][-1] == 200
    assert shown(session_rows(table(*plays[:5]), NO_SESSIONS, RULES))[0][-1] is None
    assert shown(session_rows(table(*plays[:6]), NO_SESSIONS, RULES))[0][-1] == 200


def test_no_artist_in_common_is_a_drift_of_a_thousand() -> None:
    latest = np.array([[7, 7, 7, 7, 8, *[1] * 15], [1, 1, 1, 1, 1, *[1] * 15]])
    drift, has_one = taste_drift(latest, np.ones((2, 20), np.bool_))
    assert (drift.tolist(), has_one.tolist()) == ([1000, 0], [True, True])


def test_an_artist_is_one_however_it_is_spelled() -> None:
    rows = [
        {"artist_name": artist, "occurred_at": NOON, "counts_as_play": True, "is_skip": False}
        | {"user_id": LISTENER, "event_id": "e", "track_id": "t"}
        for artist in ("Ana", " ANA ", None, "")
    ]
    names = list(rows[0])
    schema = pa.schema([CLASSIFIED_SCHEMA.field(name) for name in names])
    artists = heard(pa.RecordBatch.from_pylist(rows, schema))["artist"].to_pylist()
    assert artists == [artists[0], artists[0], 0, 0] and artists[0] != 0


Naive = dict[tuple[int, str], tuple[Any, ...]]


def naive(rows: Iterable[dict[str, Any]], rules: Rules) -> Naive:
    """What the rows must say, playback by playback."""
    found: Naive = {}
    by_user: dict[str, list[dict[str, Any]]] = {}
    for row in sorted(rows, key=lambda row: (row["occurred_us"], row["event_id"])):
        session = by_user.setdefault(row["user_id"], [])
        if session and row["occurred_us"] // 1000 - session[-1]["occurred_us"] // 1000 >= rules.session_gap_us // 1000:
            session.clear()
        session.append(row)
        run = 0
        for one in reversed(session):
            if not one["is_skip"]:
                break
            run += 1
        artists = [one["artist"] for one in session if one["counts_as_play"] and one["artist"]]
        found[row["occurred_us"] // rules.window_us * rules.window_us, row["user_id"]] = (
            row["track_id"],
            row["occurred_us"] // 1000 * 1000,
            session[0]["occurred_us"] // 1000 * 1000,
            len(session),
            sum(one["counts_as_play"] for one in session),
            sum(one["is_skip"] for one in session),
            run,
            naive_drift(artists[-5:], artists[-20:-5]),
        )
    return found


def naive_drift(last: Sequence[int], before: Sequence[int]) -> int | None:
    if not before:
        return None
    shares = [(Fraction(last.count(one), len(last)), Fraction(before.count(one), len(before))) for one in set(last)]
    return int(1000 * (1 - sum(map(min, shares))) + Fraction(1, 2))


def stored(changes: Iterable[pa.Table]) -> Naive:
    """Rows as they stand when the changes are upserted one after another."""
    found: Naive = {}
    for rows in changes:
        for row in rows.to_pylist():
            moments = map(microseconds, (row["last_occurred_at"], row["session_started_at"]))
            counts = (row[name] for name in SHOWN)
            found[microseconds(row["window_start"]), row["user_id"]] = (row["last_track_id"], *moments, *counts)
    return found


def microseconds(moment: datetime) -> int:
    return (moment - NOON) // timedelta(microseconds=1) + NOON_US


EVENT = {"user_id", "event_id", "track_id", "artist_name", "content_type", "occurred_at", "counts_as_play", "is_skip"}
FAST = replace(RULES, window_us=10 * SECOND, session_gap_us=20 * SECOND)
USERS = [f"{number:032x}" for number in range(3)]
playbacks = st.builds(
    playback,
    second=st.integers(0, 4_000).map(lambda tick: tick / 16),
    user=st.sampled_from(USERS),
    artist=st.integers(0, 3),
    play=st.integers(0, 1),
    skip=st.integers(0, 1),
)


@st.composite
def logs(draw: st.DrawFn) -> list[tuple[list[dict[str, Any]], int]]:
    """Batches of playbacks, each with the marker that stands behind it; none comes after its window was closed."""
    batches, marker = [], NOON_US
    for number, rows in enumerate(draw(st.lists(st.lists(playbacks, max_size=12), max_size=8))):
        kept = [row | {"event_id": f"{row['event_id']}-{number}-{place}"} for place, row in enumerate(rows)]
        kept = [row for row in kept if row["occurred_us"] >= marker]
        marker += draw(st.integers(0, 5)) * FAST.window_us
        batches.append((kept, marker))
    return batches


@given(logs(), st.sampled_from([0, 1_000]))
def test_rows_restated_as_the_log_comes_are_those_of_a_recount(
    batches: list[tuple[list[dict[str, Any]], int]], few: int
) -> None:
    """Whether silent listeners are forgotten at once or never."""
    state, changes = OpenSessions(0, NO_SESSIONS, FAST), []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(open_sessions, "_FEW", few)
        for rows, marker in batches:
            add(state, rows)
            changes.append(state.changes())
            state.close(marker)
    everything = [row for rows, _ in batches for row in rows]
    assert stored(changes) == naive(everything, FAST)


@given(logs(), st.integers(0, 8))
def test_a_life_that_goes_on_from_stored_rows_says_what_the_first_one_would(
    batches: list[tuple[list[dict[str, Any]], int]], killed: int
) -> None:
    """It has the rows of windows before the marker alone, however long the sessions, and reads again what it likes."""
    first, changes, marker = OpenSessions(0, NO_SESSIONS, FAST), [], NOON_US
    for rows, moved in batches[:killed]:
        add(first, rows)
        changes.append(first.changes())
        marker = moved
        first.close(marker)
    rows = read_back(changes, FAST.sessions_from_us(marker), marker)
    second = OpenSessions(marker, rows, FAST)
    for again, _ in batches[:killed]:
        add(second, again)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(open_sessions, "_FEW", 0)
        for rows_after, moved in batches[killed:]:
            add(second, rows_after)
            # it has not caught up: closed windows only
            changes.append(second.changes(moved))
            second.close(moved)
    changes.append(second.changes())
    everything = [row for rows_of_batch, _ in batches for row in rows_of_batch]
    assert stored(changes) == naive(everything, FAST)


def add(state: OpenSessions, rows: list[dict[str, Any]]) -> None:
    """Give playbacks as accepted events; artists are told apart by their names."""
    events = [
        {"content_type": "track", "artist_name": f"a{row['artist']}" if row["artist"] else None}
        | {name: row[name] for name in ("user_id", "event_id", "track_id")}
        | {"occurred_at": row["occurred_us"]}
        | {name: bool(row[name]) for name in ("counts_as_play", "is_skip")}
        for row in rows
    ]
    schema = pa.schema([field for field in CLASSIFIED_SCHEMA if field.name in EVENT])
    state.add(heard(pa.RecordBatch.from_pylist(events, schema)))


def read_back(changes: list[pa.Table], from_us: int, until_us: int) -> pa.Table:
    """Of each listener the latest stored row of a window within the bounds."""
    latest: dict[str, tuple[int, int, dict[str, Any]]] = {}
    for number, rows in enumerate(changes):
        for row in rows.to_pylist():
            start = microseconds(row["window_start"])
            if from_us <= start < until_us and (start, number) >= latest.get(row["user_id"], (0, 0, {}))[:2]:
                latest[row["user_id"]] = (start, number, row)
    return pa.Table.from_pylist([row for _, _, row in latest.values()], NO_SESSIONS.schema)


@pytest.mark.parametrize("order", [1, -1])
def test_of_two_playbacks_that_end_at_once_the_one_with_the_larger_id_is_the_last(order: int) -> None:
    both = [playback(0, event_id="a", track_id="x"), playback(0, event_id="b", track_id="y")][::order]
    assert shown(session_rows(table(*both), NO_SESSIONS, RULES))[0][2] == "y"
