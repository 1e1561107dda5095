"""One track, however it is written."""

import re

import pytest

from truth.identity import identify


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
