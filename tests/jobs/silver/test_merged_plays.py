"""silver.merged_plays: each date is matched by itself, and what is counted once can be counted twice again."""

from datetime import UTC, date, datetime

import pyarrow as pa

from bench.data import world_of
from bench.merge import play_to
from jobs.columns import counted_once
from jobs.silver import merged_plays
from jobs.silver.merged_plays import transform
from playback.merging import by_date
from playback.simulator.parameters import TWO_SOURCES
from schemas.silver import MERGED_PLAYS, PLAYS

DAY = date(2026, 11, 19)
EXTENDED = {"source": "spotify-extended", "track_id": "uri:1"}
BASIC = {"source": "spotify-basic", "track_id": "name:1", "artist_name": "POOLSIDE"}


def _play(event_id, second=30, day=19, hour=12, **fields):
    moment = datetime(2026, 11, day, hour, 0, second, tzinfo=UTC)
    usual = {"user_id": "u", "artist_name": "Poolside", "track_title": "Harvest Moon", "ms_played": 200_000}
    return usual | {"event_id": event_id, "occurred_at": moment, "event_date": moment.date()} | fields


def test_two_exports_of_one_playback_are_one_row_that_names_both(frame):
    plays = frame(PLAYS, _play("a", **EXTENDED), _play("b", 0, **BASIC), _play("alone", user_id="v", **BASIC))

    (row,) = transform(plays).collect()

    assert row.asDict() == {
        "event_id": "b",
        "event_date": DAY,
        "user_id": "u",
        "kept_event_id": "a",
        "reason": "other_source",
        "overlap_ms": 200_000,
        "skew_ms": 0,
        "merge_version": "m1",
    }


def test_dates_and_listeners_are_matched_by_themselves(frame):
    rows = [
        _play(f"{name} {day} {user}", day=day, user_id=user, **source)
        for name, source in (("a", EXTENDED), ("b", BASIC | {"occurred_at": None}))
        for day in (19, 20)
        for user in ("u", "v")
    ]
    rows = [row | {"occurred_at": row["occurred_at"] or datetime(2026, 11, row["event_date"].day, 12)} for row in rows]

    found = transform(frame(PLAYS, *rows)).collect()

    assert {(row["event_id"], row["kept_event_id"], row["event_date"].day) for row in found} == {
        (f"b {day} {user}", f"a {day} {user}", day) for day in (19, 20) for user in ("u", "v")
    }


def test_true_repeats_and_plays_of_nothing_known_stay(frame):
    repeats = [_play("a", **EXTENDED), _play("b", **EXTENDED)]
    unknown = [_play("c", source=name, track_id=None, artist_name=None, track_title=None) for name in ("one", "two")]

    assert transform(frame(PLAYS, *repeats, *unknown)).collect() == []


def test_nothing_is_nothing(frame):
    assert transform(frame(PLAYS)).collect() == []


def test_without_rules_nothing_is_merged(frame, monkeypatch):
    monkeypatch.setattr(merged_plays, "RULES", ())

    assert transform(frame(PLAYS, _play("a", **EXTENDED), _play("b", 0, **BASIC))).collect() == []


def test_plays_are_counted_once_with_all_their_columns(frame):
    plays = frame(PLAYS, _play("a", **EXTENDED), _play("b", 0, **BASIC), _play("c", 0, hour=13, **BASIC))

    once = counted_once(plays, transform(plays))

    assert once.columns == plays.columns
    assert sorted(row["event_id"] for row in once.collect()) == ["a", "c"]
    assert counted_once(plays, frame(MERGED_PLAYS)).count() == 3


def test_the_engine_leaves_out_nothing_of_a_history_that_could_be_matched(session, tmp_path):
    plays = play_to(world_of(3_000, TWO_SOURCES), tmp_path)

    found = transform(session.createDataFrame(plays)).toArrow()

    expected = pa.concat_tables(by_date(plays)).sort_by("event_id").to_pylist()
    assert found.sort_by("event_id").to_pylist() == expected
    assert len(expected) > 200
