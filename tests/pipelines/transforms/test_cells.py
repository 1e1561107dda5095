"""Cells of the minute tables: absolute, changed ones only."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from pipelines.transforms.cells import OpenWindows, atoms_of

MINUTE = 60_000_000
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
NOON_US = int(NOON.timestamp()) * 1_000_000
SCHEMA = pa.schema(
    [
        ("occurred_at", pa.timestamp("us", "UTC")),
        *((name, pa.string()) for name in ("country", "track_id", "user_id", "device_id", "content_type")),
        ("counts_as_play", pa.bool_()),
        ("is_skip", pa.bool_()),
    ]
)


def event(second: int, track: str | None, user: str = "u1", play: bool = True, **changes: Any) -> dict[str, Any]:
    return {
        "occurred_at": NOON + timedelta(seconds=second),
        "country": "DE",
        "track_id": track,
        "user_id": user,
        "device_id": None,
        "content_type": "track",
        "counts_as_play": play,
        "is_skip": not play,
    } | changes


def atoms(*events: dict[str, Any]) -> pa.Table:
    return atoms_of(pa.RecordBatch.from_pylist(list(events), SCHEMA), MINUTE)


def tracks(changes: dict[str, pa.Table]) -> list[tuple[Any, ...]]:
    if "live.minute_track_plays" not in changes:
        return []
    rows = changes["live.minute_track_plays"].to_pylist()
    return sorted(((row["window_start"] - NOON).seconds, *list(row.values())[1:]) for row in rows)


def test_plays_skips_and_distinct_listeners_are_counted_by_minute_country_and_track() -> None:
    windows = OpenWindows(0)
    windows.add(
        atoms(
            event(0, "t1"),
            event(59, "t1", "u2", play=False),
            event(1, "t1", "u2"),
            event(60, "t1"),
            event(2, "t1", country="SE"),
        )
    )
    assert tracks(windows.changes()) == [(0, "DE", "t1", 2, 1, 2), (0, "SE", "t1", 1, 0, 1), (60, "DE", "t1", 1, 0, 1)]


def test_only_cells_that_changed_are_given_out_again_and_absolutely() -> None:
    windows = OpenWindows(0)
    windows.add(atoms(event(0, "t1"), event(0, "t2")))
    windows.changes()
    assert windows.changes() == {}
    windows.add(atoms(event(5, "t2", "u2")))
    assert tracks(windows.changes()) == [(0, "DE", "t2", 2, 0, 2)]


def test_a_closed_window_is_left_alone() -> None:
    windows = OpenWindows(NOON_US)
    windows.add(atoms(event(-1, "t1"), event(0, "t1")))
    assert tracks(windows.changes()) == [(0, "DE", "t1", 1, 0, 1)]
    windows.close(NOON_US + MINUTE)
    windows.add(atoms(event(59, "t1"), event(60, "t1")))
    assert tracks(windows.changes()) == [(60, "DE", "t1", 1, 0, 1)]


def test_windows_before_a_time_can_be_given_out_alone() -> None:
    windows = OpenWindows(0)
    windows.add(atoms(event(0, "t1"), event(60, "t1")))
    assert tracks(windows.changes(before_us=NOON_US + MINUTE)) == [(0, "DE", "t1", 1, 0, 1)]
    assert tracks(windows.changes()) == [(60, "DE", "t1", 1, 0, 1)]


def test_velocity_is_counted_by_listener_device_and_track() -> None:
    windows = OpenWindows(0)
    windows.add(
        atoms(event(0, "t1", device_id="d1"), event(1, "t2", device_id="d1", country="SE"), event(2, "t1", "u2"))
    )
    changes = windows.changes()
    start = {"window_start": NOON}
    by_user = sorted(changes["live.minute_user_plays"].to_pylist(), key=lambda row: str(row["user_id"]))
    counts = {"playback_count": 2, "play_count": 2, "skip_count": 0}
    one = {"playback_count": 1, "play_count": 1, "skip_count": 0}
    assert by_user == [
        start | {"user_id": "u1"} | counts | {"track_count": 2},
        start | {"user_id": "u2"} | one | {"track_count": 1},
    ]
    assert changes["live.minute_device_plays"].to_pylist() == [
        start | {"device_id": "d1"} | counts | {"listener_count": 1}
    ]
    by_track = sorted(changes["live.minute_track_totals"].to_pylist(), key=lambda row: str(row["track_id"]))
    assert by_track == [
        start | {"track_id": "t1"} | counts | {"listener_count": 2},
        start | {"track_id": "t2"} | one | {"listener_count": 1},
    ]


drawn = st.lists(
    st.tuples(st.integers(0, 179), st.sampled_from(("t1", "t2")), st.sampled_from(("u1", "u2", "u3")), st.booleans()),
    max_size=40,
)


@given(drawn, st.lists(st.booleans(), min_size=40, max_size=40))
def test_cells_upserted_as_they_change_end_as_one_count_of_all_events(
    events: list[tuple[int, str, str, bool]], flushes: list[bool]
) -> None:
    windows = OpenWindows(0)
    stored: dict[tuple[Any, ...], tuple[Any, ...]] = {}
    for (second, track, user, play), flush in zip(events, flushes, strict=False):
        windows.add(atoms(event(second, track, user, play)))
        if flush:
            stored |= {row[:3]: row[3:] for row in tracks(windows.changes())}
    stored |= {row[:3]: row[3:] for row in tracks(windows.changes())}
    expected: dict[tuple[Any, ...], list[Any]] = {}
    for second, track, user, play in events:
        cell = expected.setdefault((second // 60 * 60, "DE", track), [0, 0, set()])
        cell[0 if play else 1] += 1
        cell[2].add(user)
    assert stored == {key: (plays, skips, len(users)) for key, (plays, skips, users) in expected.items()}
