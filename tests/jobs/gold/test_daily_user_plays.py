"""gold.daily_user_plays: counts by day and listener."""

from datetime import date

from jobs.gold.daily_user_plays import transform
from schemas.silver import MERGED_PLAYS, PLAYS

DAY = date(2026, 11, 19)


def _play(**fields):
    usual = {"event_date": DAY, "country": "DE", "track_id": "t", "content_type": "track", "user_id": "u"}
    return usual | {"ms_played": 100, "counts_as_play": True, "is_skip": False} | fields


def _counted(frame, *plays, merged=()):
    return transform(frame(PLAYS, *plays), frame(MERGED_PLAYS, *merged))


def test_all_countries_of_a_listener_are_one_row_and_tracks_count_once(frame):
    plays = [_play(), _play(country="SE"), _play(track_id="z", counts_as_play=False, is_skip=True)]

    (row,) = _counted(frame, *plays).collect()

    assert row.asDict() == {
        "event_date": DAY,
        "user_id": "u",
        "playback_count": 3,
        "play_count": 2,
        "skip_count": 1,
        "track_count": 2,
        "played_ms": 300,
    }


def test_listeners_and_days_are_rows_of_their_own(frame):
    plays = [_play(), _play(user_id="v"), _play(event_date=date(2026, 11, 20))]

    assert _counted(frame, *plays).count() == 3


def test_episodes_are_left_out(frame):
    assert _counted(frame, _play(content_type="episode")).collect() == []


def test_a_play_that_is_merged_into_another_one_is_not_counted_and_a_true_repeat_is(frame):
    plays = [_play(event_id="kept"), _play(event_id="repeat"), _play(event_id="told again")]
    merged = {"event_id": "told again", "event_date": DAY, "kept_event_id": "kept"}

    (row,) = _counted(frame, *plays, merged=[merged]).collect()

    assert (row["playback_count"], row["play_count"], row["played_ms"]) == (2, 2, 200)
