"""What the key says of a listener's year."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

Answer = Callable[..., list[dict[str, Any]]]
YEAR = "gold.year_in_music"
BOT_DAY = [{"ms_played": 31_000, "track_id": "uri:bot", "occurred_at": datetime(2026, 1, 1, 12, tzinfo=UTC)}] * 200


def on(month: int, day: int, year: int = 2026, **fields: Any) -> dict[str, Any]:
    return {"occurred_at": datetime(year, month, day, 12, tzinfo=UTC)} | fields


def told(rows: list[dict[str, Any]], year: int = 2026) -> dict[str, list[tuple[str, int, int]]]:
    """Of each module its places in order, as (entity, value, clean value)."""
    found: dict[str, list[tuple[str, int, int]]] = {}
    for row in sorted(rows, key=lambda row: (row["module"], row["position"])):
        if row["period_start"].year == year:
            places = found.setdefault(row["module"], [])
            places.append((row["entity_id"], row["value"], row["clean_value"]))
            assert (row["position"], row["slice"]) == (len(places), f"year.{year}-01-01.a8")
    return found


def test_the_year_of_one_play_has_every_module(answer: Answer) -> None:
    found = told(answer(YEAR, [{"utc_offset_minutes": 60}]))
    [(artist, *_)], [(album, *_)] = found["top_artists"], found["top_albums"]
    assert artist.startswith("artist:")
    assert album.startswith("album:")
    one = [("", 1, 1)]
    numbers = ("plays", "tracks", "artists", "albums", "active_days", "longest_streak_days")
    assert found == {
        **dict.fromkeys((*numbers, "new_tracks", "new_artists", "new_albums"), one),
        "played_ms": [("", 30_000, 30_000)],
        **{name: [("", 0, 0)] for name in ("skips_permille", "genres", "new_genres")},
        "top_tracks": [("uri:1", 1, 1)],
        "top_artists": [(artist, 1, 1)],
        "top_albums": [(album, 1, 1)],
        "top_discovery": [(artist, 1, 1)],
        "top_weekday": [("6", 1, 1)],
        "top_hour": [("13", 1, 1)],
        "top_month": [("2026-01", 1, 1)],
        "busiest_day": [("2026-01-31", 1, 1)],
        "most_repeated_track_in_a_day": [("uri:1", 1, 1)],
    }


def test_what_was_played_in_a_year_before_is_not_new(answer: Answer) -> None:
    log = [on(5, 1, 2024), on(1, 1), on(1, 1, track_id="uri:2", artist_name="Other", album_title="")]
    found = told(answer(YEAR, log))
    assert (found["new_tracks"], found["new_artists"], found["new_albums"]) == (
        [("", 1, 1)],
        [("", 1, 1)],
        [("", 0, 0)],
    )
    before = told(answer(YEAR, log), 2024)
    assert before["new_tracks"] == [("", 1, 1)]
    assert sorted([*before["top_artists"], *found["top_discovery"]]) == found["top_artists"]


def test_days_of_a_bot_are_in_the_raw_value_only(answer: Answer) -> None:
    found = told(answer(YEAR, [*BOT_DAY, on(1, 2), on(1, 3, outcome="skip"), on(1, 5)]))
    assert found["plays"] == [("", 203, 3)]
    assert found["longest_streak_days"] == [("", 3, 2)]
    assert found["skips_permille"] == [("", 4, 333)]
    assert found["top_tracks"] == [("uri:bot", 200, 0), ("uri:1", 3, 3)]
    assert found["busiest_day"] == [("2026-01-01", 200, 0)]
    assert found["most_repeated_track_in_a_day"] == [("uri:bot", 200, 0)]
    assert found["new_tracks"] == [("", 2, 1)]


def test_five_places_at_most_and_ties_by_identity(answer: Answer) -> None:
    found = told(answer(YEAR, [{"track_id": f"uri:{letter}"} for letter in "gfedcba"]))
    assert [entity for entity, _, _ in found["top_tracks"]] == [f"uri:{letter}" for letter in "abcde"]
