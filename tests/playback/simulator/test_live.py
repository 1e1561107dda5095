"""The simulated present: any second can be made again, and sequences go on where the history ended."""

from datetime import UTC, datetime, timedelta

import pyarrow as pa

from playback.simulator.events import history, live_second, make_world, sequences_after_history
from playback.simulator.parameters import Parameters

ANCHOR = datetime(2026, 11, 23, tzinfo=UTC)
PARAMETERS = Parameters(seed=3, listeners=40, events=1_000, days=3)
WORLD = make_world(PARAMETERS, ANCHOR, [f"{number:032x}" for number in range(40)])


def test_a_second_can_be_made_again() -> None:
    after_history = sequences_after_history(WORLD)
    first, after = live_second(WORLD, 100, 25, after_history)
    again, after_again = live_second(WORLD, 100, 25, after_history)
    assert first.equals(again)
    assert after.tolist() == after_again.tolist()


def test_sequences_go_on_after_the_history_without_a_gap() -> None:
    batches = list(history(WORLD))
    next_sequences = sequences_after_history(WORLD)
    for second in (10, 11, 4_000):
        events, next_sequences = live_second(WORLD, second, 200, next_sequences)
        batches.append(events)
    table = pa.Table.from_batches(batches)
    by_install: dict[str, list[int]] = {}
    for install, sequence in zip(table["install_id"].to_pylist(), table["sequence"].to_pylist(), strict=True):
        by_install.setdefault(install, []).append(sequence)
    assert all(sequences == list(range(len(sequences))) for sequences in by_install.values())
    assert len(set(table["event_id"].to_pylist())) == 1_600


def test_a_second_s_playbacks_end_within_it() -> None:
    events, _ = live_second(WORLD, 90, 500, sequences_after_history(WORLD))
    begin = ANCHOR + timedelta(seconds=90)
    assert all(begin <= moment < begin + timedelta(seconds=1) for moment in events["occurred_at"].to_pylist())


def test_a_fraction_of_an_event_is_spread_over_the_seconds() -> None:
    counts = []
    next_sequences = sequences_after_history(WORLD)
    for second in range(8):
        events, next_sequences = live_second(WORLD, second, 0.25, next_sequences)
        counts.append(events.num_rows)
    assert counts == [0, 0, 0, 1, 0, 0, 0, 1]


def test_no_rate_is_no_event() -> None:
    before = sequences_after_history(WORLD)
    events, after = live_second(WORLD, 5, 0, before)
    assert events.num_rows == 0
    assert after.tolist() == before.tolist()
