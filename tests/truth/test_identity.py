"""One track, artist or album, however it is written."""

import re

import pytest

from truth.identity import identify, identify_album, identify_artist


@pytest.mark.parametrize("uri", ["uri:1", " uri:1", "uri:1\n", "\u2003uri:1\t"])
def test_a_uri_is_the_track_without_the_white_space_around_it(uri: str) -> None:
    assert identify(uri, "Poolside", "Harvest Moon") == "uri:1"


@pytest.mark.parametrize("uri", [None, "", " \t"])
def test_without_a_uri_it_is_the_hash_of_the_names(uri: str | None) -> None:
    # blake2b("poolside\x1fharvest moon", digest_size=16)
    assert identify(uri, "Poolside", "Harvest Moon") == "name:86af2e17b15ad2432205056291d9b047"


@pytest.mark.parametrize(
    ("artist", "title"),
    [
        ("BEYONCÉ", "halo"),
        ("Beyonce\u0301", "Halo"),
        (" Beyoncé\u00a0", "\uff28\uff41\uff4c\uff4f"),
        ("beyoncé", "\u2003HALO\x1f"),
    ],
)
def test_case_form_and_white_space_do_not_make_another_track(artist: str, title: str) -> None:
    assert identify(None, artist, title) == identify(None, "Beyoncé", "Halo")


def test_inner_white_space_is_one_space() -> None:
    assert identify(None, "a  b", "c\td") == identify(None, "a b", "c d")


def test_artist_and_title_do_not_run_together() -> None:
    assert identify(None, "a\x1fb", "c") != identify(None, "a", "b\x1fc")


def test_an_artist_is_not_needed_and_a_title_is() -> None:
    assert identify(None, None, "Halo") == identify(None, "", "Halo")
    assert re.fullmatch("name:[0-9a-f]{32}", str(identify(None, None, "Halo")))
    assert identify(None, "Beyoncé", None) is None
    assert identify("", "Beyoncé", " ") is None


def test_an_artist_is_the_hash_of_the_name_however_it_is_written() -> None:
    # blake2b("poolside", digest_size=16)
    assert identify_artist(" POOLSIDE\u00a0") == "artist:f3591e0a17b3d859eeb4bec30d598d7c"
    assert identify_artist("Beyonce\u0301") == identify_artist("BEYONCÉ") != identify_artist("Beyonce")


def test_an_album_is_the_hash_of_artist_and_title() -> None:
    # blake2b("poolside\x1fpacific", digest_size=16)
    assert identify_album("Poolside", "PACIFIC ") == "album:5af1dbc365bb02191bd58d9a7f3003dd"
    assert identify_album("Poolside", "Pacific") != identify_album("Somebody", "Pacific")
    assert identify_album("a b", "c") != identify_album("a", "b c")


def test_an_album_needs_a_title_and_no_artist() -> None:
    assert identify_album("Poolside", None) is identify_album("Poolside", "\u2003") is None
    assert identify_album(None, "Pacific") == identify_album(" ", "Pacific") == identify_album("", "pacific")
    assert identify_album(None, "Pacific") is not None


@pytest.mark.parametrize("name", [None, "", " \t\x1f"])
def test_no_name_is_no_artist(name: str | None) -> None:
    assert identify_artist(name) is None
