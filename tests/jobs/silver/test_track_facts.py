"""silver.track_facts: what the catalogue knows of tracks that were played."""

import pytest

from jobs.silver.track_facts import transform
from schemas.music_catalogue import CATALOGUE_ENTRIES
from schemas.silver import TRACKS

pytestmark = pytest.mark.slow_on_spark


def played(track_id="uri:1", name_id="name:1", artist_id="artist:1", **fields):
    usual = {"content_type": "track", "is_current": True}
    return usual | {"track_id": track_id, "name_id": name_id, "artist_id": artist_id} | fields


def known(entity_id, year=0, genres="", entity_type="track", **fields):
    return {"entity_type": entity_type, "entity_id": entity_id, "release_year": year, "genres": genres} | fields


@pytest.fixture
def facts(frame):
    def computed(tracks, entries):
        rows = transform(frame(TRACKS, *tracks), frame(CATALOGUE_ENTRIES, *entries)).collect()
        assert len({row["track_id"] for row in rows}) == len(rows)
        return {row["track_id"]: (row["release_year"], row["genres"]) for row in rows}

    return computed


def test_a_track_is_found_by_its_id(facts):
    assert facts([played()], [known("uri:1", 1999, "pop")]) == {"uri:1": (1999, "pop")}


def test_a_track_of_another_id_or_none_is_found_by_the_names_seen_last(facts):
    tracks = [played("uri:2"), played("name:1"), played("uri:3", "name:1", is_current=False), played("uri:3", "name:3")]

    assert facts(tracks, [known("uri:1", 1999, "pop", name_id="name:1")]) == {
        "uri:2": (1999, "pop"),
        "name:1": (1999, "pop"),
    }


def test_of_tracks_of_the_same_names_the_last_row_counts(facts):
    entries = [
        known("uri:8", 1999, name_id="name:1", row_number=2),
        known("uri:9", 1980, name_id="name:1", row_number=1),
    ]

    assert facts([played()], entries) == {"uri:1": (1999, "")}


def test_genres_are_those_of_the_artist_where_the_track_has_none(facts):
    artist = known("artist:1", 0, "jazz", "artist")

    assert facts([played()], [known("uri:1", 1999), artist]) == {"uri:1": (1999, "jazz")}
    assert facts([played()], [known("uri:1", 1999, "pop"), artist]) == {"uri:1": (1999, "pop")}
    assert facts([played(name_id="")], [artist]) == {"uri:1": (0, "jazz")}


def test_each_is_taken_from_the_first_that_says_it(facts):
    entries = [known("uri:1", 0, "pop"), known("uri:2", 1999, "rock", name_id="name:1")]

    assert facts([played()], entries) == {"uri:1": (1999, "pop")}


def test_nameless_tracks_are_not_all_the_same_track(facts):
    assert (
        facts([played(name_id="", artist_id="")], [known("uri:2", 1999, "pop"), known("artist:1", 0, "x", "artist")])
        == {}
    )


def test_what_is_no_music_or_not_known_has_no_row(facts):
    assert facts([played(content_type="episode")], [known("uri:1", 1999)]) == {}
    assert facts([played()], [known("uri:1")]) == {}
    assert facts([played()], []) == {}
