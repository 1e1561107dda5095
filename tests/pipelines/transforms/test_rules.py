"""When an event is counted live: by its record alone."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.transforms.rules import MINUTE_US, Rules, judge
from schemas.live import FATES

RULES = Rules()
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
TICK = timedelta(microseconds=1)


def fate(occurred: datetime | None, appended: datetime, reason: str | None = None) -> str:
    row = {"occurred_at": occurred, "appended_at": appended, "reason": reason}
    moment = pa.timestamp("us", "UTC")
    schema = pa.schema([("occurred_at", moment), ("appended_at", moment), ("reason", pa.string())])
    (code,) = judge(pa.RecordBatch.from_pylist([row], schema), RULES).tolist()
    return FATES[code]


@pytest.mark.parametrize(
    ("occurred", "appended", "expected"),
    [
        (NOON, NOON, "accepted"),
        (NOON, NOON + 180 * SECOND, "accepted"),
        (NOON, NOON + 180 * SECOND + TICK, "late"),
        (NOON + 60 * SECOND - TICK, NOON + 180 * SECOND, "accepted"),
        (NOON + 60 * SECOND, NOON + 240 * SECOND, "accepted"),
        (NOON + 60 * SECOND, NOON, "accepted"),
        (NOON + 60 * SECOND + TICK, NOON, "ahead"),
        (NOON + timedelta(days=7), NOON, "ahead"),
        (NOON - timedelta(hours=48), NOON, "late"),
        (NOON - timedelta(hours=48) - TICK, NOON, "beyond_horizon"),
        (NOON - timedelta(days=3650), NOON, "beyond_horizon"),
    ],
)
def test_the_fate_of_an_event_follows_from_when_it_ended_and_was_appended(
    occurred: datetime, appended: datetime, expected: str
) -> None:
    assert fate(occurred, appended) == expected


def test_a_record_that_is_no_event_is_a_dead_letter_whenever_it_came() -> None:
    assert fate(None, NOON, "invalid_json") == "dead_letter"


@pytest.mark.parametrize(
    ("passed", "marker"),
    [
        (NOON, NOON - timedelta(minutes=3)),
        (NOON + TICK, NOON - timedelta(minutes=2)),
        (NOON + 59 * SECOND, NOON - timedelta(minutes=2)),
    ],
)
def test_a_window_closes_when_the_log_has_passed_its_end_by_the_lateness(passed: datetime, marker: datetime) -> None:
    assert RULES.marker_us(int(passed.timestamp() * 1e6)) == int(marker.timestamp() * 1e6)


times = st.integers(2**50, 2**51)
rules = st.builds(
    Rules,
    window_us=st.sampled_from((5_000_000, 60_000_000)),
    lateness_us=st.integers(0, 10**9),
    max_ahead_us=st.integers(0, 10**9),
)


@given(rules, times, st.integers(-(10**10), 10**10))
def test_what_is_appended_after_a_window_closed_is_never_accepted_in_it(rules: Rules, passed: int, gap: int) -> None:
    """Whatever comes once the log was passed (`appended >= passed`) belongs to no window before the marker."""
    appended = passed + abs(gap)
    occurred = appended - abs(gap) // 3
    moments = {"occurred_at": occurred, "appended_at": appended}
    columns = {name: pa.array([value], pa.int64()).cast(pa.timestamp("us", "UTC")) for name, value in moments.items()}
    batch = pa.RecordBatch.from_pydict(columns | {"reason": pa.nulls(1, pa.string())})
    (code,) = judge(batch, rules).tolist()
    (window,) = rules.windows(np.array([occurred])).tolist()
    assert FATES[code] != "accepted" or window >= rules.marker_us(passed)


@given(rules, times)
def test_a_replay_reads_every_record_that_open_windows_may_need(rules: Rules, passed: int) -> None:
    """The first record of an open window's event is at most `max_ahead` before the window, its repeats after it."""
    marker = rules.marker_us(passed)
    assert rules.exact_from_us(marker) <= marker - rules.max_ahead_us
    assert rules.replay_from_us(marker) <= rules.exact_from_us(marker) - rules.memory_minutes * MINUTE_US
    assert rules.memory_minutes * MINUTE_US >= rules.max_ahead_us + rules.window_us + rules.lateness_us
