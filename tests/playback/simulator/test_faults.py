"""Each fault does what it says, and alone: what is not asked for does not happen."""

from collections.abc import Callable

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from playback.simulator.parameters import Faults, Parameters
from playback.simulator.play import Played

Play = Callable[..., Played]
Classify = Callable[[pa.RecordBatch], pa.RecordBatch]

EVENTS = 12_000


def faults_of(played: Played) -> dict[str | None, int]:
    counted = pc.value_counts(played.log["fault"]).to_pylist()
    return {one["values"]: one["counts"] for one in counted}


def playbacks(played: Played) -> pa.Table:
    """The log without the marks."""
    log = pa.Table.from_batches([played.log])
    return log.filter(log["high_water"].is_null())


def moments(log: pa.Table) -> np.ndarray:
    """`occurred_at` in seconds."""
    seconds: np.ndarray = log["occurred_at"].cast(pa.int64()).to_numpy() / 1e6
    return seconds


def lag(log: pa.Table) -> np.ndarray:
    """By how many seconds of event time each message is behind the newest one before it."""
    at = moments(log)
    behind: np.ndarray = np.maximum.accumulate(at) - at
    return behind


def test_without_faults_every_event_is_valid_and_sent_once_in_the_order_of_time(
    played: Play, classified: Classify
) -> None:
    clean = played()
    log = playbacks(clean)
    found = classified(clean.messages)
    assert faults_of(clean) == {None: clean.log.num_rows}
    assert log.num_rows == len(set(found["event_id"].to_pylist())) == EVENTS
    assert found["reason"].null_count == EVENTS
    assert log["event_id"].null_count == log["reason"].null_count == EVENTS
    assert np.all(np.diff(moments(log)) >= 0)


def test_a_retry_is_the_same_message_byte_for_byte(played: Play) -> None:
    sent = played(retries=0.1, malformed=0.2)
    messages, log = sent.messages, sent.log
    again = np.flatnonzero(log["event_id"].is_valid().to_numpy(zero_copy_only=False))
    assert 0.08 * EVENTS < len(again) / 2 < 0.12 * EVENTS
    bodies: dict[str, list[tuple[object, ...]]] = {}
    for row in again.tolist():
        sent = tuple(messages[name][row].as_py() for name in ("key", "payload", "install_id", "sequence"))
        bodies.setdefault(log["event_id"][row].as_py(), []).append(sent)
    assert all(len(copies) == 2 and len(set(copies)) == 1 for copies in bodies.values())


def test_a_retry_reports_the_event_that_its_log_names(played: Play, classified: Classify) -> None:
    sent = played(retries=0.1)
    ids = classified(sent.messages)["event_id"].to_pylist()
    logged = playbacks(sent)["event_id"].to_pylist()
    assert [one for one, known in zip(ids, logged, strict=True) if known] == [one for one in logged if one]
    assert faults_of(sent)["retries"] * 2 == sum(one is not None for one in logged)
    assert sorted(ids.count(one) for one in {one for one in logged if one}) == [2] * faults_of(sent)["retries"]


def test_a_second_installation_reports_the_same_event_under_a_number_of_its_own(
    played: Play, classified: Classify
) -> None:
    sent = played(cross_device=0.1)
    found = classified(sent.messages)
    rows = pa.table({name: found[name] for name in ("event_id", "user_id", "install_id", "ms_played", "country")})
    twice = rows.group_by("event_id").aggregate(
        [("install_id", "count_distinct"), ("user_id", "count_distinct"), ("ms_played", "count")]
    )
    twice = twice.filter(pc.greater(twice["ms_played_count"], 1))
    assert 0.03 * EVENTS < twice.num_rows == faults_of(sent)["cross_device"] < 0.1 * EVENTS
    assert set(twice["install_id_count_distinct"].to_pylist()) == {2}
    assert set(twice["user_id_count_distinct"].to_pylist()) == {1}
    assert found["reason"].null_count == len(found)
    contents = rows.group_by("event_id").aggregate([("ms_played", "count_distinct"), ("country", "count_distinct")])
    assert 0.2 < pc.sum(pc.equal(contents["ms_played_count_distinct"], 2)).as_py() / twice.num_rows < 0.6
    assert pc.any(pc.equal(contents["country_count_distinct"], 2)).as_py()


def test_a_playback_that_is_told_of_twice_is_two_events_that_the_log_knows_as_one(
    played: Play, classified: Classify
) -> None:
    sent = played(told_twice=0.2, loops=0.2)
    found = classified(sent.messages)
    log = playbacks(sent)
    rows = found.append_column("playback_id", log["playback_id"].combine_chunks())
    rows = rows.filter(rows["playback_id"].is_valid()).to_pylist()
    pairs: dict[str, list[dict[str, object]]] = {}
    for row in rows:
        pairs.setdefault(row["playback_id"], []).append(row)
    assert 0.17 * EVENTS < len(pairs) == faults_of(sent)["told_twice"] < 0.23 * EVENTS
    assert found["reason"].null_count == len(found) == EVENTS + len(pairs)
    assert len(set(found["event_id"].to_pylist())) == len(found)
    assert log["event_id"].null_count == 0
    exported, by_device = 0, 0
    for first, second in ((pair if pair[0]["source"] == "simulator" else pair[::-1]) for pair in pairs.values()):
        assert first["user_id"] == second["user_id"]
        apart = abs((first["occurred_at"] - second["occurred_at"]).total_seconds())
        if second["source"] == "spotify-basic":
            exported += 1
            assert (second["device_id"], second["country"], second["outcome"]) == (None, "ZZ", None)
            assert second["occurred_at"].second == second["occurred_at"].microsecond == 0
            assert apart < 60
            assert second["ms_played"] == first["ms_played"]
        else:
            by_device += 1
            assert first["device_id"] != second["device_id"]
            assert apart <= 12
            assert abs(first["ms_played"] - second["ms_played"]) <= 2_000
    assert min(exported, by_device) > 0.2 * len(pairs)


def test_without_it_a_history_keeps_the_name_that_it_had() -> None:
    told = Parameters(faults=Faults(told_twice=0.1))
    assert Parameters().fingerprint("2026-11-23") == "e21fe709dc4aa90f"
    assert told.fingerprint("2026-11-23") != Parameters().fingerprint("2026-11-23")


def test_what_is_overtaken_is_two_minutes_behind_at_most(played: Play) -> None:
    sent = played(out_of_order=0.2)
    behind = lag(playbacks(sent))
    assert 0.17 * EVENTS < faults_of(sent)["out_of_order"] < 0.23 * EVENTS
    assert 0 < behind.max() <= 120
    assert np.all(playbacks(sent)["fault"].to_numpy(zero_copy_only=False)[behind > 0] == "out_of_order")


def test_what_is_late_is_minutes_to_three_days_behind(played: Play) -> None:
    sent = played(late=0.05)
    behind = lag(playbacks(sent))
    assert 0.04 * EVENTS < faults_of(sent)["late"] < 0.06 * EVENTS
    assert 2 * 86_400 < behind.max() <= 3 * 86_400
    assert np.median(behind[behind > 0]) > 600


def test_what_was_played_offline_comes_session_by_session_hours_later(played: Play, classified: Classify) -> None:
    sent = played(offline=0.1)
    found = classified(sent.messages)
    held = playbacks(sent)["fault"].to_numpy(zero_copy_only=False) == "offline"
    assert 0.06 * EVENTS < held.sum() < 0.14 * EVENTS
    assert pc.all(found.filter(pa.array(held))["offline"]).as_py()
    sessions = np.array(found["session_id"].to_pylist())[held]
    runs = 1 + np.count_nonzero(sessions[1:] != sessions[:-1])
    assert runs == len(set(sessions.tolist()))
    assert lag(playbacks(sent))[held].min() > 3_600


def test_spoilt_messages_are_refused_for_the_reason_in_the_log(played: Play, classified: Classify) -> None:
    sent = played(malformed=0.3)
    reasons = classified(sent.messages)["reason"]
    assert reasons.to_pylist() == playbacks(sent)["reason"].to_pylist()
    assert 0.28 * EVENTS < len(reasons) - reasons.null_count < 0.32 * EVENTS


def test_json_says_the_same_as_avro(played: Play, classified: Classify) -> None:
    plain, as_json = played(), played(json=0.3)
    bodies = as_json.messages["payload"].drop_null().to_pylist()
    assert 0.27 * EVENTS < sum(body.startswith(b"{") for body in bodies) < 0.33 * EVENTS
    assert orjson.loads(next(body for body in bodies if body.startswith(b"{")))["source"] == "simulator"
    names = [name for name in classified(plain.messages).schema.names if name != "payload"]
    assert classified(as_json.messages).select(names).equals(classified(plain.messages).select(names))
    assert as_json.log.equals(plain.log)


def test_a_clock_that_is_hours_off_is_valid_and_one_that_is_years_off_is_not(
    played: Play, classified: Classify
) -> None:
    sent = played(clock_skew=0.3)
    log, right = playbacks(sent), moments(playbacks(played()))
    reasons = classified(sent.messages)["reason"].to_pylist()
    assert reasons == log["reason"].to_pylist()
    assert {None, "clock_skew", "time_out_of_range"} == set(reasons)
    wrong = log["fault"].to_numpy(zero_copy_only=False) == "clock_skew"
    valid = np.array([reason is None for reason in reasons])
    off = np.abs(moments(log) - right)
    assert np.all(off[~wrong] == 0)
    assert np.all((off[wrong & valid] > 0) & (off[wrong & valid] <= 12 * 3_600))
    assert off[~valid].min() > 9 * 365 * 86_400
    by_install = pa.table({"install": log["install_id"], "wrong": pa.array(wrong)}).group_by("install")
    assert set(by_install.aggregate([("wrong", "count_distinct")])["wrong_count_distinct"].to_pylist()) == {1}


def test_what_is_lost_is_logged_and_not_sent(played: Play) -> None:
    sent = played(lost=0.1)
    gone = sent.log.filter(sent.log["message_number"].is_null())
    assert 0.08 * EVENTS < len(gone) < 0.12 * EVENTS
    assert set(gone["fault"].to_pylist()) == {"lost"}
    assert len(sent.messages) + len(gone) == len(sent.log) == len(played().log)


def test_an_installation_that_does_not_close_sends_no_mark(played: Play) -> None:
    def marked(played: Played) -> int:
        return len(played.messages) - played.messages["high_water"].null_count

    everyone = len(set(playbacks(played())["install_id"].to_pylist()))
    assert marked(played()) == everyone
    assert 0.6 * everyone < marked(played(unclosed=0.3)) < 0.8 * everyone
    assert marked(played(unclosed=1.0)) == 0


def test_bots_are_few_accounts_that_play_few_tracks_just_over_half_a_minute_at_all_hours(played: Play) -> None:
    log = playbacks(played(bots=0.2))
    tracks = sorted(pc.value_counts(log["track_id"].drop_null()).to_pylist(), key=lambda one: -one["counts"])[:5]
    bots = log.filter(pc.is_in(log["track_id"], pa.array([one["values"] for one in tracks])))
    bots = bots.filter(pc.and_(pc.greater_equal(bots["ms_played"], 31_000), pc.less(bots["ms_played"], 39_000)))
    assert 0.16 * EVENTS < bots.num_rows < 0.24 * EVENTS
    assert len(pc.unique(bots["user_id"])) <= 3
    assert len(pc.unique(pc.hour(bots["occurred_at"]))) == 24


def test_loops_repeat_one_track_through_a_session(played: Play, classified: Classify) -> None:
    def repeated(sent: Played) -> float:
        found = classified(sent.messages)
        track, session = np.array(found["track_id"].to_pylist(), object), np.array(found["session_id"].to_pylist())
        order = np.argsort(session, kind="stable")
        same = session[order][1:] == session[order][:-1]
        return float(np.mean((track[order][1:] == track[order][:-1])[same]))

    assert repeated(played()) < 0.05
    assert 0.25 < repeated(played(loops=0.3)) < 0.4
    assert repeated(played(loops=1.0)) > 0.98


def test_who_moves_is_in_another_country_from_some_day_on(played: Play, classified: Classify) -> None:
    def countries(sent: Played) -> list[set[tuple[str, int]]]:
        found = classified(sent.messages)
        known = found.filter(pc.not_equal(found["country"], "ZZ"))
        homes: dict[str, set[tuple[str, int]]] = {}
        rows = zip(*(known[name].to_pylist() for name in ("user_id", "country", "utc_offset_minutes")), strict=True)
        for user, country, offset in rows:
            homes.setdefault(user, set()).add((country, offset))
        return list(homes.values())

    assert {len(homes) for homes in countries(played())} == {1}
    moved = countries(played(moves=0.5))
    assert max(map(len, moved)) == 2
    assert 0.2 * len(moved) < sum(len(homes) == 2 for homes in moved) < 0.6 * len(moved)


@pytest.mark.parametrize(
    "fault", ["retries", "cross_device", "told_twice", "late", "offline", "malformed", "json", "lost", "bots"]
)
def test_a_fault_can_happen_always(fault: str, played: Play, classified: Classify) -> None:
    sent = played(**{fault: 1.0})
    log = playbacks(sent)
    arrived = log.filter(log["message_number"].is_valid())
    assert len(faults_of(sent)) > 1 or fault in {"json", "bots"}
    assert classified(sent.messages)["reason"].to_pylist() == arrived["reason"].to_pylist()
