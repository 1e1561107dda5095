"""What the key says of genres and years of release: literal rows, and random logs against a count in plain Python."""

import random
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from truth.answers import write_answers

Row = dict[str, Any]
Answer = Callable[..., list[Row]]
FACTS, ENTRIES = "silver.track_facts", "silver.catalogue_entries"
NAMED = {"artist_name": "Poolside", "track_title": "Harvest Moon"}
START = datetime(2025, 12, 27, tzinfo=UTC)


def facts(answer: Answer, catalogue: list[Row], log: list[Row] | None = None) -> list[tuple[str, int, str]]:
    rows = answer(FACTS, log or [{}], catalogue=catalogue)
    return [(row["track_id"], row["release_year"], row["genres"]) for row in rows]


def test_refused_rows_are_counted_by_reason_and_say_nothing(answer: Answer) -> None:
    catalogue = [{"reason": "bad_text"}, {"track_id": "uri:1", "release_year": 1999}, {"reason": "bad_text"}]
    assert answer("bronze.catalogue_rows", [{}], catalogue=catalogue) == [
        {"reason": "bad_text", "count": 2},
        {"reason": None, "count": 1},
    ]
    assert facts(answer, catalogue) == [("uri:1", 1999, "")]


def test_an_entry_has_the_identities_of_playbacks(answer: Answer) -> None:
    track = {"artist_name": "poolside ", "track_title": "HARVEST moon", "album_title": "Pacific", "genres": ["B", "a "]}
    by_name, artist = answer(ENTRIES, [], catalogue=[track, {"artist_name": "POOLSIDE", "genres": []}])[::-1]
    assert by_name["entity_id"] == by_name["name_id"]
    assert by_name["entity_id"].startswith("name:")
    assert (by_name["genres"], by_name["release_year"], by_name["row_number"]) == ("a;b", 0, 1)
    assert (artist["entity_type"], artist["entity_id"]) == ("artist", by_name["artist_id"])
    assert artist["entity_id"] == "artist:f3591e0a17b3d859eeb4bec30d598d7c"
    assert by_name["album_id"] == "album:5af1dbc365bb02191bd58d9a7f3003dd"


def test_the_last_row_of_a_track_stands(answer: Answer) -> None:
    rows = [{"track_id": "uri:1", "release_year": 1999, "genres": ["pop"]}, {"track_id": "uri:1 ", "genres": ["rock"]}]
    assert facts(answer, rows) == [("uri:1", 0, "rock")]


def test_a_track_is_known_by_its_id_else_its_names_else_for_genres_its_artist(answer: Answer) -> None:
    itself, other = {"track_id": "uri:1", "release_year": 1999}, {"track_id": "uri:9", **NAMED, "release_year": 1980}
    artist = {"artist_name": "Poolside", "genres": ["disco"]}
    assert facts(answer, [itself, other, artist]) == [("uri:1", 1999, "disco")]
    assert facts(answer, [other | {"genres": ["pop"]}, artist]) == [("uri:1", 1980, "pop")]
    assert facts(answer, [artist]) == [("uri:1", 0, "disco")]
    assert facts(answer, [{"track_id": "uri:2", "release_year": 1999}]) == []


def test_the_names_that_count_are_those_seen_last_and_what_is_talk_has_no_facts(answer: Answer) -> None:
    old = {"track_title": "Old", "occurred_at": datetime(2026, 1, 1, tzinfo=UTC)}
    catalogue = [NAMED | {"track_title": "Old", "release_year": 1999}]
    assert facts(answer, catalogue, [{}, old]) == []
    assert facts(answer, catalogue, [old]) == [("uri:1", 1999, "")]
    assert facts(answer, catalogue, [old | {"content_type": "episode"}]) == []


def test_names_of_genres_are_those_of_tracks_that_were_played(answer: Answer) -> None:
    catalogue = [{"track_id": "uri:1", "genres": ["Pop", "a"]}, {"track_id": "unheard", "genres": ["polka"]}]
    rows = answer("gold.entity_names", [{}], catalogue=catalogue)
    assert [row["entity_name"] for row in rows if row["entity_type"] == "genre"] == ["a", "pop"]


def test_the_age_of_a_year_is_what_half_of_the_plays_reach(answer: Answer) -> None:
    catalogue = [{"track_id": f"uri:{year}", "release_year": year} for year in (1996, 2006, 2016)]
    log = [{"track_id": f"uri:{year}"} for year in (1996, 2006, 2016, 2016)] + [
        {"ms_played": 5, "track_id": "uri:1996"}
    ]
    year = answer("gold.year_in_music", log, catalogue=catalogue)
    assert [row["value"] for row in year if row["module"] == "musical_age"] == [20]
    decades = [(row["entity_id"], row["value"]) for row in year if row["module"] == "top_decades"]
    assert decades == [("2010", 2), ("1990", 1), ("2000", 1)]


def test_genres_of_flagged_days_only_are_in_no_clean_count(answer: Answer) -> None:
    catalogue = [{"track_id": "uri:1", "genres": ["pop"]}, {"track_id": "uri:2", "genres": ["pop", "rock"]}]
    flagged = {"track_id": "uri:2", "ms_played": 90_000_000, "occurred_at": START}
    rows = answer("gold.listener_periods", [{"track_id": "uri:1"}, flagged], catalogue=catalogue)
    [row] = [row for row in rows if row["period_kind"] == "all_time"]
    assert (row["genre_count"], row["genre_play_count"]) == (2, 2)
    assert (row["clean_genre_count"], row["clean_genre_play_count"]) == (1, 1)


def test_a_damaged_catalogue_is_an_error(answer: Answer, tmp_path: Path) -> None:
    answer(FACTS, [{}])
    [folder] = tmp_path.iterdir()
    (folder / "catalogue.parquet").write_bytes(b"PAR1 no more than this PAR1")
    with pytest.raises(OSError, match="catalogue"):
        write_answers(folder)


def a_catalogue(chance: random.Random) -> list[Row]:
    genres = [None, [], ["Pop"], ["pop ", "Rock"], ["Jazz", "ROCK", "pop"]]
    ids = [f"uri:{number}" for number in range(5)]
    rows = [{"track_id": one, "release_year": chance.choice([None, 1999, 2004])} for one in chance.choices(ids, k=5)]
    return [row | {"genres": chance.choice(genres)} for row in rows] + [{"artist_name": "A", "genres": ["Jazz"]}]


def a_log(chance: random.Random) -> list[Row]:
    return [
        {
            "event_id": f"e{number}",
            "user_id": chance.choice(["00", "07", "f9"]),
            "occurred_at": START + timedelta(hours=chance.randrange(14 * 24)),
            "country": chance.choice(["DE", "DE", "SE"]),
            "track_id": (track := chance.choice([f"uri:{one}" for one in range(6)])),
            "artist_name": "A" if track in ("uri:0", "uri:5") else "B",
            "ms_played": chance.choice([5, 30_000, 90_000, 40_000_000]),
        }
        for number in range(300)
    ]


def known(log: list[Row], catalogue: list[Row]) -> list[Row]:
    """The playbacks with their day, whether it is flagged, and what is known of the track."""
    said = {row["track_id"]: row for row in catalogue if "track_id" in row}
    heard: dict[Any, int] = defaultdict(int)
    for row in log:
        heard[row["user_id"], row["occurred_at"].date()] += row["ms_played"]
    rows = []
    for row in log:
        entry, day = said.get(row["track_id"], {}), row["occurred_at"].date()
        genres = {name.strip().lower() for name in entry.get("genres") or ()}
        genres = genres or ({"jazz"} if row["artist_name"] == "A" else set())
        told = {"day": day, "year": entry.get("release_year") or 0, "genres": genres}
        rows.append(row | told | {"is_flagged": heard[row["user_id"], day] > 86_400_000})
    return rows


def counts(own: list[Row]) -> tuple[int, ...]:
    sides = (own, [row for row in own if not row["is_flagged"]])
    return tuple(
        count
        for side in sides
        for count in (len(side), sum(row["ms_played"] >= 30_000 for row in side), sum(row["ms_played"] for row in side))
    )


def of_known_genre(own: list[Row]) -> tuple[int, int]:
    """Plays of tracks of a known genre, and those of them of days that are not flagged."""
    plays = [row for row in own if row["genres"] and row["ms_played"] >= 30_000]
    return len(plays), sum(not row["is_flagged"] for row in plays)


def counted(row: Row) -> tuple[int, ...]:
    names = ("playback_count", "play_count", "played_ms")
    return tuple(row[f"{side}{name}"] for side in ("", "clean_") for name in names)


def periods(day: date) -> Iterator[tuple[str, date]]:
    return iter([("month", day.replace(day=1)), ("year", date(day.year, 1, 1)), ("all_time", date(1970, 1, 1))])


def cells(rows: list[Row], keys: Callable[[Row], list[Any]]) -> dict[Any, list[Row]]:
    found = defaultdict(list)
    for row in rows:
        for period in periods(row["day"]):
            for key in keys(row):
                found[(*period, *key)].append(row)
    return found


@pytest.mark.parametrize("seed", range(4))
def test_random_logs_and_catalogues(answer: Answer, seed: int) -> None:
    chance = random.Random(seed)
    log, catalogue = a_log(chance), a_catalogue(chance)
    rows = known(log, catalogue)
    assert {row["is_flagged"] for row in rows} == {True, False}

    def areas(row: Row) -> list[str]:
        return ["**", row["country"]]

    def told(table: str, *keys: str) -> dict[Any, tuple[int, ...]]:
        found = answer(table, log, catalogue=catalogue)
        if "entity_id" in keys:
            found = [row for row in found if row["entity_type"] == "genre"]
        found = [row for row in found if row["period_kind"] in ("month", "year", "all_time")]
        return {tuple(row[key] for key in ("period_kind", "period_start", *keys)): counted(row) for row in found}

    eras = cells(rows, lambda row: [(row["user_id"], row["year"])])
    assert told("gold.listener_eras", "user_id", "release_year") == {key: counts(own) for key, own in eras.items()}
    eras = cells(rows, lambda row: [(area, row["year"]) for area in areas(row)])
    assert told("gold.area_eras", "area", "release_year") == {key: counts(own) for key, own in eras.items()}
    tops = cells(rows, lambda row: [(row["user_id"], one) for one in row["genres"]])
    expected = {key: counts(own) for key, own in tops.items() if counts(own)[1]}
    assert told("gold.listener_tops", "user_id", "entity_id") == expected
    tops = cells(rows, lambda row: [(area, one) for area in areas(row) for one in row["genres"]])
    expected = {key: counts(own) for key, own in tops.items() if counts(own)[1]}
    assert told("gold.area_tops", "area", "entity_id") == expected
    for table, who, key in (
        ("gold.listener_periods", "user_id", lambda row: [(row["user_id"],)]),
        ("gold.area_periods", "area", lambda row: [(area,) for area in areas(row)]),
    ):
        plays = {cell: of_known_genre(own) for cell, own in cells(rows, key).items()}
        found = answer(table, log, catalogue=catalogue)
        assert plays == {
            (row["period_kind"], row["period_start"], row[who]): (
                row["genre_play_count"],
                row["clean_genre_play_count"],
            )
            for row in found
            if row["period_kind"] in ("month", "year", "all_time")
        }
