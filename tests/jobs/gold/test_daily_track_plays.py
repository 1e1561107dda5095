"""gold.daily_track_plays: counts by day, country and track."""

from datetime import date

from jobs.gold.daily_track_plays import transform
from schemas.silver import MERGED_PLAYS, PLAYS

DAY = date(2026, 11, 19)


def _play(**fields):
    usual = {"event_date": DAY, "country": "DE", "track_id": "t", "content_type": "track", "user_id": "u"}
    return usual | {"ms_played": 100, "counts_as_play": True, "is_skip": False} | fields


def _counted(frame, *plays, merged=()):
    return transform(frame(PLAYS, *plays), frame(MERGED_PLAYS, *merged))


def test_plays_and_skips_are_counted_apart_and_time_is_summed(frame):
    rows = _counted(frame, _play(), _play(is_skip=True), _play(counts_as_play=False, is_skip=True, ms_played=5))

    (row,) = rows.collect()
    assert row.asDict() == {
        "event_date": DAY,
        "country": "DE",
        "track_id": "t",
        "playback_count": 3,
        "play_count": 2,
        "skip_count": 2,
        "listener_count": 1,
        "played_ms": 205,
    }


def test_a_listener_counts_once_however_often_they_played(frame):
    rows = _counted(frame, _play(user_id="u"), _play(user_id="u"), _play(user_id="v"))

    assert [row["listener_count"] for row in rows.collect()] == [2]


def test_days_countries_and_tracks_are_cells_of_their_own(frame):
    plays = [_play(), _play(event_date=date(2026, 11, 20)), _play(country="SE"), _play(track_id="z")]

    assert _counted(frame, *plays).count() == 4


def test_episodes_and_playbacks_of_nothing_known_are_left_out(frame):
    plays = [_play(content_type="episode"), _play(content_type="unknown", track_id=None)]

    assert _counted(frame, *plays).collect() == []


def test_a_sum_past_32_bits_is_exact(frame):
    rows = _counted(frame, *[_play(ms_played=2**61) for _ in range(3)])

    assert [row["played_ms"] for row in rows.collect()] == [3 * 2**61]


def test_a_sum_past_64_bits_fails_instead_of_wrapping(frame):
    import pytest
    from pyspark.errors import PySparkException

    with pytest.raises(PySparkException, match=r"(?i)out of range|overflow|CAST_OVERFLOW"):
        _counted(frame, *[_play(ms_played=2**62) for _ in range(3)]).collect()


def test_a_play_that_is_merged_into_another_one_is_not_counted_and_a_true_repeat_is(frame):
    plays = [_play(event_id="kept"), _play(event_id="repeat"), _play(event_id="told again")]
    merged = {"event_id": "told again", "event_date": DAY, "kept_event_id": "kept"}

    (row,) = _counted(frame, *plays, merged=[merged]).collect()

    assert (row["playback_count"], row["play_count"], row["played_ms"]) == (2, 2, 200)
