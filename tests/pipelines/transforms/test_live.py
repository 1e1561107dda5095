"""The composite transforms on Beam's TestStream: on time, early, late, too late, idle partitions, replays."""

import json
import struct
from collections.abc import Callable

import pyarrow as pa
import pytest

from pipelines.transforms import live as transforms
from pipelines.transforms.elements import Batch, InOrder
from pipelines.transforms.failures import failures
from pipelines.transforms.live import FATE, CountLive, DecodeAndJudge, Deduplicate, Run
from pipelines.transforms.rules import Rules
from playback.wire import HEADER_BYTES
from schemas.errors import ContractError, StoreUnavailableError
from schemas.events import CURRENT, PLAYBACK_V1
from schemas.live import FATES
from schemas.render.avro import avro_schema
from tests.pipelines.conftest import LISTENER, NOON, NOON_US, Log
from tests.pipelines.streams import MINUTE, cells, fates, live, through

MakeRun = Callable[..., Run]


def test_records_are_decoded_and_judged_and_marks_are_none(log: Log, run: MakeRun) -> None:
    batch = log.batch(
        log.event("good", 0),
        log.record(b"\xff", 1),
        log.record(None, 1, sequence=None, high_water=9),
        log.event("old", -3 * 86_400, appended=2),
        passed=3,
    )
    given = run()
    (judged,) = through(DecodeAndJudge(given), [batch], given.name)
    found = [(row["offset"], FATES[row[FATE]], row["reason"]) for row in judged.rows.to_pylist()]
    assert found == [(0, "accepted", None), (1, "dead_letter", "unknown_format"), (3, "beyond_horizon", None)]


def test_an_old_and_a_new_version_and_ids_of_a_registry_stand_beside_one_another(log: Log, run: MakeRun) -> None:
    """In one batch and in each form: the fingerprint names the version, or what a registry has under the id does."""
    schemas = {7: json.dumps(avro_schema(PLAYBACK_V1)), 8: json.dumps(avro_schema(CURRENT))}
    records = [
        log.record(framed + payload[skipped:], 1)
        for version, schema_id in ((PLAYBACK_V1, 7), (CURRENT, 8))
        for form in ("fingerprint", "registry")
        for payload in [log.payload(f"{version.version} {form}", 0, version, track_id=f"t{version.version}")]
        for framed, skipped in [(struct.pack(">bI", 0, schema_id), HEADER_BYTES) if form == "registry" else (b"", 0)]
    ]
    strange = log.record(struct.pack(">bI", 0, 9) + b"\x00", 1)
    changes = live([log.batch(*records, strange, passed=2)], run(schemas=schemas.get))
    assert cells(changes) == {(0, "DE", "t1"): (2, 0, 1), (0, "DE", "t2"): (2, 0, 1)}
    assert [row["reason"] for row in changes[0].rows["live.dead_letters"].to_pylist()] == ["unknown_schema_id"]


def test_a_registry_that_is_away_ends_the_run_and_makes_no_dead_letter(log: Log, run: MakeRun) -> None:
    def away(_: int) -> str | None:
        raise StoreUnavailableError("The registry is away.")

    given = run(schemas=away)
    with pytest.raises(Exception, match="The registry is away"):
        live([log.batch(log.record(b"\x00\x00\x00\x00\x07", 1), passed=2)], given)
    assert {(type(one), str(one)) for one in failures(given.name)} == {(StoreUnavailableError, "The registry is away.")}


@pytest.mark.parametrize("step", ["deduplicated", "LiveState"])
def test_whatever_step_fails_its_error_is_known_behind_the_runner(
    log: Log, run: MakeRun, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def fail(*_: object) -> None:
        raise ContractError("These rows do not fit.")

    monkeypatch.setattr(transforms, step, fail)
    given = run()
    with pytest.raises(Exception, match=r"do not fit|delivered element 0 twice"):  # this runner tries again
        live([log.batch(log.event("a", 0), passed=2)], given)
    assert {type(one) for one in failures(given.name)} == {ContractError}


def test_one_event_is_accepted_once_in_whatever_partition_it_comes_again(log: Log, run: MakeRun) -> None:
    given = run()
    batches = [
        log.batch(log.event("a", 0), log.event("b", 0), log.event("a", 0, appended=1), passed=2),
        log.batch(log.event("a", 0, appended=2, partition=1), log.event("b", 0, appended=170), passed=180),
    ]
    judged = through(DecodeAndJudge(given), batches, given.name)
    found = through(Deduplicate(given), judged, given.name)
    assert [[FATES[code] for code in one.rows[FATE].to_pylist()] for one in found] == [
        ["accepted", "accepted", "duplicate"],
        ["duplicate", "duplicate"],
    ]


def test_early_results_are_restated_until_the_window_closes(log: Log, run: MakeRun) -> None:
    given = run()
    batches = [
        log.batch(log.event("a", 0), passed=1),
        log.batch(log.event("b", 5, outcome="skip", user_id="f" * 32), passed=10),
        log.batch(log.event("late", 59, appended=180), passed=181),
        log.batch(passed=182),
    ]
    changes = live(batches, given)
    assert [cells([one]) for one in changes] == [
        {(0, "DE", "t1"): (1, 0, 1)},
        {(0, "DE", "t1"): (2, 1, 2)},
        {(0, "DE", "t1"): (3, 1, 2)},
        {},
    ]
    assert [one.marker_us - NOON_US for one in changes] == [-2 * MINUTE, -2 * MINUTE, MINUTE, MINUTE]


def test_an_episode_is_accepted_and_in_no_cell(log: Log, run: MakeRun) -> None:
    changes = live([log.batch(log.event("a", 0), log.event("talk", 1, content_type="episode"), passed=2)], run())
    assert cells(changes) == {(0, "DE", "t1"): (1, 0, 1)}
    assert fates(changes) == {"accepted": 2}


def test_too_late_is_counted_and_moves_no_cell(log: Log, run: MakeRun) -> None:
    given = run()
    changes = live(
        [
            log.batch(log.event("a", 0), passed=1),
            log.batch(log.event("b", 59, appended=180.000_001), log.event("c", 70, appended=9), passed=181),
        ],
        given,
    )
    assert cells(changes) == {(0, "DE", "t1"): (1, 0, 1)}
    assert fates(changes) == {"accepted": 1, "late": 1, "ahead": 1}


def test_lying_long_in_the_topic_makes_nothing_late(log: Log, run: MakeRun) -> None:
    backlog = [log.event(f"e{n}", n, appended=n + 0.5) for n in range(0, 3_600, 60)]
    changes = live([log.batch(*backlog, passed=86_400)], run())
    assert len(cells(changes)) == 60
    assert fates(changes) == {"accepted": 60}


def test_an_idle_partition_holds_no_window_open(log: Log, run: MakeRun) -> None:
    """The source finds it read to its end, and then only time passes: the window closes with an empty batch."""
    given = run()
    changes = live(
        [log.batch(log.event("a", 0), passed=1), log.batch(passed=180), log.batch(passed=180.000_002)], given
    )
    assert [one.marker_us - NOON_US for one in changes] == [-2 * MINUTE, 0, MINUTE]


def test_dead_letters_keep_place_reason_and_bytes(log: Log, run: MakeRun) -> None:
    (changes,) = live([log.batch(log.record(b"\xff\x00", 1, partition=1), passed=2)], run())
    (row,) = changes.rows["live.dead_letters"].to_pylist()
    known = {name: row[name] for name in ("topic_id", "partition", "offset", "reason", "payload", "appended_at")}
    assert known == {
        "topic_id": "T",
        "partition": 1,
        "offset": 0,
        "reason": "unknown_format",
        "payload": b"\xff\x00",
        "appended_at": NOON.replace(second=1),
    }
    assert fates([changes]) == {"dead_letter": 1}


def test_nothing_of_an_open_window_is_given_out_before_it_has_caught_up(log: Log, run: MakeRun) -> None:
    given = run()
    batches = [
        log.batch(log.event("a", 0), log.event("b", 60), passed=70, caught_up=False),
        log.batch(log.event("c", 61), passed=181, caught_up=False),
        log.batch(log.event("d", 62, appended=181), passed=182),
    ]
    changes = live(batches, given)
    assert [cells([one]) for one in changes] == [
        {},
        {(0, "DE", "t1"): (1, 0, 1)},
        {(60, "DE", "t1"): (3, 0, 1)},
    ]
    assert [fates([one]) for one in changes] == [{"accepted": 1}, {"accepted": 2}, {"accepted": 1}]


def test_a_run_that_starts_from_a_marker_says_of_open_windows_what_the_first_one_would(log: Log, run: MakeRun) -> None:
    """The replay begins early enough to know repeats, and leaves what is closed alone: cells, counts and letters."""
    rules = Rules()
    events = [log.event(f"e{n}", n, appended=n + 1) for n in range(0, 900, 7)]
    events += [log.event(f"e{n}", n, appended=n + 100) for n in range(0, 900, 21)]
    events += [log.record(b"bad", n) for n in range(0, 900, 50)]
    events = sorted(events, key=lambda row: row["appended_at"])
    whole = live([log.batch(*events, passed=1_000)], run())
    marker = rules.marker_us(NOON_US + 500 * 1_000_000)
    again = Log()
    tail = [row for row in events if row["appended_at"].timestamp() * 1e6 >= rules.replay_from_us(marker)]
    assert len(tail) < len(events)
    replayed = live([again.batch(*tail, passed=1_000)], run(marker_us=marker))

    expected = {key: cell for key, cell in cells(whole).items() if key[0] * 1_000_000 + NOON_US >= marker}
    assert cells(replayed) == expected != {}
    start = pa.scalar(rules.exact_from_us(marker), pa.int64()).cast(pa.timestamp("us", "UTC")).as_py()
    for table, moment in (("live.minute_records", "appended_minute"), ("live.dead_letters", "appended_at")):
        found = [row for one in replayed for row in one.rows[table].to_pylist()]
        assert found == [row for one in whole for row in one.rows[table].to_pylist() if row[moment] >= start] != []


def test_changes_come_in_the_order_of_the_log_whatever_the_order_of_bundles(log: Log, run: MakeRun) -> None:
    given = run()
    first = log.batch(log.event("a", 0), passed=1)
    second = log.batch(log.event("a", 0, appended=2, track_id="other"), passed=3)
    assert cells(live([second, first], given)) == {(0, "DE", "t1"): (1, 0, 1)}


def test_a_batch_that_comes_twice_ends_the_run(log: Log) -> None:
    order: InOrder[Batch] = InOrder()
    batch = log.batch(passed=1)
    assert list(order.put(batch)) == [batch]
    with pytest.raises(RuntimeError, match="delivered element 0 twice"):
        list(order.put(batch))


def test_velocity_is_there_for_the_listener(log: Log, run: MakeRun) -> None:
    (changes,) = live([log.batch(log.event("a", 0), log.event("b", 1), passed=2)], run())
    (row,) = changes.rows["live.minute_user_plays"].to_pylist()
    assert (row["user_id"], row["playback_count"], row["track_count"]) == (LISTENER, 2, 1)


def test_counting_alone_takes_final_fates(log: Log, run: MakeRun) -> None:
    given = run()
    judged = through(DecodeAndJudge(given), [log.batch(log.event("a", 0), log.event("a", 0), passed=1)], given.name)
    assert cells(through(CountLive(given), judged, given.name)) == {(0, "DE", "t1"): (2, 0, 1)}
