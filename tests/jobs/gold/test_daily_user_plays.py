"""gold.daily_user_plays: counts by day and listener."""

from datetime import UTC, date, datetime

from jobs.gold import listener_track_days
from jobs.gold.daily_user_plays import transform
from jobs.slice_columns import in_slices
from schemas.music_catalogue import TRACK_FACTS
from schemas.silver import MERGED_PLAYS, PLAYS, TRACKS
from schemas.statistics import LISTENER_TRACK_DAYS
from tests.daily_activity import clean_beside_raw

DAY = date(2026, 11, 19)
NOON = datetime(2026, 11, 19, 12, tzinfo=UTC)


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
        "clean_playback_count": 3,
        "clean_play_count": 2,
        "clean_skip_count": 1,
        "clean_played_ms": 300,
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


def test_nothing_of_a_day_of_more_than_a_day_is_clean_and_other_days_and_listeners_are(frame):
    full = [_play(ms_played=43_200_000), _play(ms_played=43_200_000, country="SE")]
    skip = _play(ms_played=1, track_id="z", counts_as_play=False, is_skip=True)
    others = [_play(event_date=date(2026, 11, 20)), *({**one, "user_id": "v"} for one in full)]

    assert clean_beside_raw(_counted(frame, *full, skip, *others).collect()) == {
        ("u", 19): ((0, 3), (0, 2), (0, 1), (0, 86_400_001)),
        ("u", 20): ((1, 1), (1, 1), (0, 0), (100, 100)),
        ("v", 19): ((2, 2), (2, 2), (0, 0), (86_400_000, 86_400_000)),
    }


def test_nothing_of_a_day_of_two_hundred_playbacks_under_the_mean_is_clean(frame):
    hurried = [_play(ms_played=45_000) for _ in range(199)] + [_play(ms_played=44_999, track_id="z")]
    of_the_mean = [_play(user_id="v", ms_played=90_000 * (number % 2)) for number in range(200)]
    fewer = [_play(user_id="w", ms_played=1) for _ in range(199)]

    assert clean_beside_raw(_counted(frame, *hurried, *of_the_mean, *fewer).collect()) == {
        ("u", 19): ((0, 200), (0, 200), (0, 0), (0, 8_999_999)),
        ("v", 19): ((200, 200), (200, 200), (0, 0), (9_000_000, 9_000_000)),
        ("w", 19): ((199, 199), (199, 199), (0, 0), (199, 199)),
    }


def test_episodes_and_plays_that_are_merged_flag_no_day(frame):
    long = [_play(event_id="kept", ms_played=86_400_000), _play(event_id="told again", ms_played=86_400_000)]
    merged = {"event_id": "told again", "event_date": DAY, "kept_event_id": "kept"}
    talk = _play(event_id="talk", content_type="episode", ms_played=86_400_000)

    assert clean_beside_raw(_counted(frame, *long, talk, merged=[merged]).collect()) == {
        ("u", 19): ((1, 1), (1, 1), (0, 0), (86_400_000, 86_400_000))
    }


def test_what_is_clean_is_what_the_base_of_the_statistics_does_not_flag(frame):
    full = [_play(event_id=one, ms_played=43_200_000, occurred_at=NOON) for one in ("a", "b")]
    more = [{**one, "user_id": "v"} for one in (*full, _play(event_id="c", ms_played=1, occurred_at=NOON))]
    told = {**more[0], "event_id": "d", "user_id": "u"}
    merged = [{"event_id": "d", "event_date": DAY, "kept_event_id": "a"}]
    plays = in_slices(frame(PLAYS, *full, *more, told), LISTENER_TRACK_DAYS.refresh)

    base = listener_track_days.transform(plays, frame(MERGED_PLAYS, *merged), frame(TRACKS), frame(TRACK_FACTS))

    flagged = {row["user_id"]: row["is_flagged"] for row in base.collect()}
    assert flagged == {"u": False, "v": True}
    days = _counted(frame, *full, *more, told, merged=merged).collect()
    assert {row["user_id"]: row["clean_playback_count"] for row in days} == {"u": 2, "v": 0}
