"""Checks in words: each of every table has its own, the same from a declaration as from its expectation."""

import pytest

from schemas.catalog import tables
from schemas.checks import Between, Fresh, InSet, References, RowCheck, Volume
from schemas.render.check_words import check_in_words, checks_in_words, expectation_in_words
from schemas.render.expectations import expectations


def test_declared_checks() -> None:
    assert check_in_words(InSet("outcome", ("play", "skip"))) == "outcome is one of play, skip"
    assert check_in_words(Between("n", 1)) == "n is at least 1"
    assert check_in_words(Between("n", None, 9)) == "n is at most 9"
    assert check_in_words(Between("n", 0, 0)) == "n is 0 to 0"
    assert (
        check_in_words(References("track_id", "silver.tracks", "track_id")) == "track_id is a track_id of silver.tracks"
    )
    assert check_in_words(Fresh("appended_at", 26)) == "the latest appended_at is at most 26 hours old"
    assert check_in_words(Volume()).startswith("yesterday has 50 to 200 %")


@pytest.mark.parametrize("name", tables())
def test_every_check_of_a_table_has_words_of_its_own(name: str) -> None:
    table = tables()[name]
    expected = [*(expectation_in_words(one) for one in expectations(table))]
    words = checks_in_words(table)
    assert set(expected) <= set(words)
    assert len(words) == len(expected) + len([one for one in table.checks if not isinstance(one, RowCheck)])
    assert not [one for one in words if one.startswith("expect_")]


def test_numbers_that_come_back_as_floats_are_whole() -> None:
    expectation = {"type": "expect_column_values_to_be_between", "kwargs": {"column": "n", "min_value": 0.0}}
    assert expectation_in_words(expectation) == "n is at least 0"
