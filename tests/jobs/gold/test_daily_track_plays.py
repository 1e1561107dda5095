"""gold.daily_track_plays: counts by day, country and track."""

from datetime import date

from jobs.gold import daily_user_plays
from jobs.gold.daily_track_plays import transform
from schemas.gold import DAILY_USER_PLAYS
from schemas.silver import MERGED_PLAYS, PLAYS

DAY = date(2026, 11, 19)


def _play(**fields):
    usual = {"event_date": DAY, "country": "DE", "track_id": "t", "content_type": "track", "user_id": "u"}
    return usual | {"ms_played": 100, "counts_as_play": True, "is_skip": False} | fields


def _counted(frame, *plays, merged=(), days=()):
    return transform(frame(PLAYS, *plays), frame(MERGED_PLAYS, *merged), frame(DAILY_USER_PLAYS, *days))


def _day(clean, user_id="u", **fields):
    """A row of gold.daily_user_plays of which so many playbacks are clean."""
    return {"event_date": DAY, "user_id": user_id, "playback_count": 2, "clean_playback_count": clean} | fields


def _clean_beside_raw(rows):
    names = ("playback_count", "play_count", "skip_count", "played_ms", "listener_count")
    return {
        (row["event_date"].day, row["country"]): tuple((row[f"clean_{name}"], row[name]) for name in names)
        for row in rows.collect()
    }


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
        "clean_playback_count": 3,
        "clean_play_count": 2,
        "clean_skip_count": 2,
        "clean_played_ms": 205,
        "clean_listener_count": 1,
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


def test_what_a_flagged_listener_played_is_counted_raw_alone(frame):
    plays = [_play(), _play(counts_as_play=False, is_skip=True), _play(user_id="v"), _play(user_id="w", ms_played=7)]

    assert _clean_beside_raw(_counted(frame, *plays, days=[_day(0), _day(1, "v"), _day(1, "w")])) == {
        (19, "DE"): ((2, 4), (2, 3), (0, 1), (107, 307), (2, 3))
    }


def test_a_cell_of_flagged_listeners_alone_stays_with_nothing_clean(frame):
    assert _clean_beside_raw(_counted(frame, _play(), days=[_day(0)])) == {
        (19, "DE"): ((0, 1), (0, 1), (0, 0), (0, 100), (0, 1))
    }


def test_a_listener_who_is_flagged_on_one_day_is_clean_on_another(frame):
    tomorrow = {"event_date": date(2026, 11, 20)}
    rows = _counted(frame, _play(), _play(**tomorrow), days=[_day(0), _day(1, **tomorrow)])

    assert _clean_beside_raw(rows) == {
        (19, "DE"): ((0, 1), (0, 1), (0, 0), (0, 100), (0, 1)),
        (20, "DE"): ((1, 1), (1, 1), (0, 0), (100, 100), (1, 1)),
    }


def test_a_day_from_before_there_were_clean_counts_flags_nobody(frame):
    assert _clean_beside_raw(_counted(frame, _play(), days=[_day(None)])) == {
        (19, "DE"): ((1, 1), (1, 1), (0, 0), (100, 100), (1, 1))
    }


def test_a_day_is_flagged_by_all_that_was_played_in_whatever_country(frame):
    long = [_play(ms_played=43_200_000), _play(ms_played=43_200_001, country="SE"), _play(user_id="v")]
    plays, merged = frame(PLAYS, *long), frame(MERGED_PLAYS)

    assert _clean_beside_raw(transform(plays, merged, daily_user_plays.transform(plays, merged))) == {
        (19, "DE"): ((1, 2), (1, 2), (0, 0), (100, 43_200_100), (1, 2)),
        (19, "SE"): ((0, 1), (0, 1), (0, 0), (0, 43_200_001), (0, 1)),
    }
