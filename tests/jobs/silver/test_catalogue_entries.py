"""silver.catalogue_entries: what the feed of the catalogue says of each track and artist."""

import pyarrow as pa

from jobs.silver.catalogue_entries import transform
from playback.identity import album_ids, artist_ids, name_ids
from schemas.music_catalogue import CATALOGUE_ROWS

NAMES = {"artist_name": "Anna", "track_title": "One", "album_title": "Blue"}
(ARTIST,) = artist_ids(pa.array(["Anna"])).to_pylist()
(ALBUM,) = album_ids(pa.array(["Anna"]), pa.array(["Blue"])).to_pylist()
(NAME,) = name_ids(pa.array(["Anna"]), pa.array(["One"])).to_pylist()


def _entries(frame, *rows):
    numbered = [{"row_number": number} | row for number, row in enumerate(rows, start=1)]
    found = [row.asDict() for row in transform(frame(CATALOGUE_ROWS, *numbered)).collect()]
    return {(row.pop("entity_type"), row.pop("entity_id")): row for row in found}


def test_a_track_has_the_identities_that_its_playbacks_have(frame):
    row = NAMES | {"track_id": " uri:1", "release_date": "1999-10", "genres": "Rock; jazz"}

    assert _entries(frame, row) == {
        ("track", "uri:1"): {
            "name_id": NAME,
            "artist_id": ARTIST,
            "album_id": ALBUM,
            "release_year": 1999,
            "genres": "jazz;rock",
            "row_number": 1,
        }
    }


def test_a_track_without_an_id_is_its_name_and_a_row_without_a_track_is_about_the_artist(frame):
    found = _entries(frame, {"artist_name": " ANNA", "track_title": "one"}, {"artist_name": "Anna", "genres": "pop"})

    assert found.keys() == {("track", NAME), ("artist", ARTIST)}
    assert [(row["release_year"], row["genres"]) for row in found.values()].count((0, "pop")) == 1


def test_a_track_by_its_id_alone_has_no_names(frame):
    found = _entries(frame, {"track_id": "uri:1", "release_date": "2000"})

    row = found["track", "uri:1"]
    assert (row["name_id"], row["artist_id"], row["album_id"], row["release_year"]) == ("", "", "", 2000)


def test_a_genre_is_its_name_without_differences_of_form_case_and_space_and_once(frame):
    found = _entries(frame, {"track_id": "a", "genres": "Hip  Hop;hip hop;\uff32&B;cafe\u0301;CAF\u00c9"})

    assert found["track", "a"]["genres"] == "café;hip hop;r&b"


def test_of_several_rows_of_a_track_the_last_one_stands_whole(frame):
    early = {"track_id": "a", "release_date": "1999", "genres": "pop"}

    found = _entries(frame, early, {"track_id": "a", "genres": "rock"}, {"track_id": "b"})

    assert [(row["release_year"], row["genres"], row["row_number"]) for row in found.values()].count(
        (0, "rock", 2)
    ) == 1
    assert len(found) == 2


def test_a_refused_row_says_nothing(frame):
    assert _entries(frame, {"reason": "no_object", "original": "{"}) == {}
