"""bronze.catalogue_rows: a feed is read when it is another one, and a broken one leaves the last as it is."""

import json

import pytest

from infra.checks import Checker
from jobs.catalogue_feed import record_catalogue, refused_rows
from schemas.errors import InputError
from schemas.music_catalogue import CATALOGUE_ROWS

pytestmark = pytest.mark.slow_on_spark


def line(**fields):
    return json.dumps(fields) + "\n"


@pytest.fixture
def record(session, lake, tmp_path):
    def recorded(feed):
        return record_catalogue(session, lake, Checker(tmp_path), feed)

    return recorded


@pytest.fixture
def feed(tmp_path):
    (tmp_path / "feed").mkdir()
    (tmp_path / "feed" / "a.jsonl").write_text(line(artist_name="Anna", genres=["pop"]) + "{\n" + line(artist_name=1))
    return tmp_path / "feed"


def names(lake):
    return [row["artist_name"] for row in lake.rows(CATALOGUE_ROWS).sort_by("row_number").to_pylist()]


def test_a_feed_is_read_once_and_bad_rows_are_kept_and_counted(record, lake, feed):
    assert record(feed).changed
    assert names(lake) == ["Anna", None, None]
    assert refused_rows(lake) == {"no_object": 1, "bad_text": 1}
    assert not record(feed).changed


def test_another_feed_takes_the_place_of_the_last(record, lake, feed):
    record(feed)
    (feed / "a.jsonl").write_text(line(artist_name="Ben"))
    assert record(feed).changed
    assert names(lake) == ["Ben"]

    (feed / "a.jsonl").rename(feed / "b.jsonl")
    assert record(feed).changed


def test_without_a_feed_what_was_read_last_stays(record, lake, feed):
    assert not record(None).changed or lake.rows(CATALOGUE_ROWS).num_rows == 0
    record(feed)
    version = lake.version(CATALOGUE_ROWS)

    assert not record(None).changed
    assert (lake.version(CATALOGUE_ROWS), len(names(lake))) == (version, 3)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "a.jsonl is no feed of the catalogue, as it has no rows"),
        ("{\n[]\n", "none of its 2 rows is an entry"),
        (line(artist_name="Ben") + '{"artist_name": "Car', "breaks off"),
    ],
)
def test_a_feed_that_is_empty_or_breaks_off_is_refused_and_the_last_one_stays(record, lake, feed, content, said):
    record(feed)
    good = (feed / "a.jsonl").read_text()
    (feed / "a.jsonl").write_text(content)
    with pytest.raises(InputError, match=said):
        record(feed)
    assert names(lake) == ["Anna", None, None]

    (feed / "a.jsonl").write_text(good)
    assert not record(feed).changed


def test_more_rows_than_a_batch_holds_are_numbered_through(record, lake, feed):
    (feed / "a.jsonl").write_text("".join(line(artist_name=f"{number}") for number in range(25_001)))
    record(feed)
    assert names(lake) == [str(number) for number in range(25_001)]
