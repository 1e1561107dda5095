"""Which names of tracks, artists and albums are shown."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

Answer = Callable[..., list[dict[str, Any]]]
NAMES = "gold.entity_names"
NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


def before(days: int) -> dict[str, Any]:
    return {"occurred_at": NOON - timedelta(days=days)}


def shown(answer: Answer, log: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    rows = answer(NAMES, log)
    assert len({(row["entity_type"], row["entity_id"]) for row in rows}) == len(rows)
    return [(row["entity_type"], row["entity_name"], row["artist_name"]) for row in rows]


def test_a_playback_names_its_track_artist_and_album(answer: Answer) -> None:
    found = answer(NAMES, [{}, {"ms_played": 1}])
    assert found == [
        {"entity_type": kind, "entity_id": identity, "entity_name": name, "artist_name": "Poolside"}
        for kind, identity, name in [
            ("album", "album:5af1dbc365bb02191bd58d9a7f3003dd", "Pacific"),
            ("artist", "artist:f3591e0a17b3d859eeb4bec30d598d7c", "Poolside"),
            ("track", "uri:1", "Harvest Moon"),
        ]
    ]


def test_names_seen_last_are_shown(answer: Answer) -> None:
    old = {"artist_name": "POOLSIDE", "track_title": "Harvest moon", "album_title": "PACIFIC", **before(1)}
    assert shown(answer, [{}, old]) == [
        ("album", "Pacific", "Poolside"),
        ("artist", "Poolside", "Poolside"),
        ("track", "Harvest Moon", "Poolside"),
    ]


def test_a_spelling_that_was_seen_again_is_the_one_seen_last(answer: Answer) -> None:
    log = [before(3), before(2) | {"track_title": "Other"}, before(1)]
    assert ("track", "Harvest Moon", "Poolside") in shown(answer, log)


def test_an_artist_is_named_as_on_any_of_their_tracks(answer: Answer) -> None:
    log = [before(1), {"track_id": "uri:2", "artist_name": "POOLSIDE", "album_title": None}]
    assert shown(answer, log) == [
        ("album", "Pacific", "Poolside"),
        ("artist", "POOLSIDE", "POOLSIDE"),
        ("track", "Harvest Moon", "Poolside"),
        ("track", "Harvest Moon", "POOLSIDE"),
    ]


def test_of_names_seen_at_once_the_first_in_order_is_shown(answer: Answer) -> None:
    log = [{"artist_name": "poolside"}, {"artist_name": "POOLSIDE", "track_title": "B", "album_title": "pacific"}]
    assert shown(answer, [*log, {"artist_name": "POOLSIDE", "track_title": "C"}]) == [
        ("album", "pacific", "POOLSIDE"),
        ("artist", "POOLSIDE", "POOLSIDE"),
        ("track", "B", "POOLSIDE"),
    ]


def test_what_has_no_name_is_shown_as_empty_or_not_at_all(answer: Answer) -> None:
    assert shown(answer, [{"artist_name": None, "track_title": None, "album_title": None}]) == [("track", "", "")]
    assert shown(answer, [{"artist_name": "\u2003", "album_title": "Pacific"}]) == [
        ("album", "Pacific", "\u2003"),
        ("track", "Harvest Moon", "\u2003"),
    ]


def test_a_name_that_is_absent_or_empty_is_one_name(answer: Answer) -> None:
    log = [{"album_title": None, "track_title": "Z"}, {"album_title": "", "track_title": "Z", **before(1)}]
    assert shown(answer, log) == [("artist", "Poolside", "Poolside"), ("track", "Z", "Poolside")]


def test_only_music_has_names(answer: Answer) -> None:
    episode = {"content_type": "episode", "track_id": "uri:e", "track_title": "Talk", "artist_name": "POOLSIDE"}
    assert shown(answer, [before(1), episode, {"content_type": "unknown", "track_title": "New"}]) == [
        ("album", "Pacific", "Poolside"),
        ("artist", "Poolside", "Poolside"),
        ("track", "Harvest Moon", "Poolside"),
    ]


@pytest.mark.parametrize("elsewhere", [{}, {"track_id": " uri:1"}])
def test_a_spelling_that_was_a_track_anywhere_has_a_name(answer: Answer, elsewhere: dict[str, str]) -> None:
    talk = {"track_title": "Talk"}
    log = [talk, talk | {"content_type": "episode", **before(2), **elsewhere}, before(1)]
    assert ("track", "Talk", "Poolside") in shown(answer, log)


def test_what_is_unknown_does_not_make_a_spelling_seen_again(answer: Answer) -> None:
    log = [before(2), before(1) | {"track_title": "Other"}, {"content_type": "unknown"}]
    assert ("track", "Other", "Poolside") in shown(answer, log)


def test_a_name_that_was_not_accepted_is_not_shown(answer: Answer) -> None:
    later = before(-1) | {"event_id": "e", "track_title": "New"}
    assert ("track", "Harvest Moon", "Poolside") in shown(answer, [{"event_id": "e"}, later])
