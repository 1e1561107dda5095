"""The feed of the simulated catalogue: the same each time, read as it is meant, and not all that there is."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pyarrow.compute as pc

from playback.catalogue_feed import feed_files, read_feed
from playback.simulator.catalogue import TRACK
from playback.simulator.events import World
from playback.simulator.feed import feed_of
from schemas.music_catalogue import BETWEEN_GENRES, REASONS


def test_the_same_world_has_the_same_feed(world: Callable[..., World]) -> None:
    assert feed_of(world()) == feed_of(world(late=0.5))


def test_every_row_is_read_as_it_is_meant_and_refused_for_the_reason_that_it_declares(
    world: Callable[..., World], tmp_path: Path
) -> None:
    feed = feed_of(world())
    (tmp_path / "feed.jsonl").write_bytes(feed.lines)
    found = [row for batch in read_feed(feed_files(tmp_path)) for row in batch.to_pylist()]
    names = ("row_number", "reason", "track_id", "artist_name", "track_title", "album_title")
    assert [[row[name] for name in names] for row in found] == [
        [row[name] for name in names] for row in feed.entries.to_pylist()
    ]
    for read, meant in zip(found, feed.entries.to_pylist(), strict=True):
        assert (read["release_date"] or "None")[:4] == str(meant["release_year"])
        assert (read["genres"] or "").split(BETWEEN_GENRES) == (meant["genres"] or [""])
    assert {row["reason"] for row in found} == {None, *REASONS}


def test_some_tracks_are_unknown_some_have_no_id_and_some_stand_twice(world: Callable[..., World]) -> None:
    made = world()
    rows = [row for row in feed_of(made).entries.to_pylist() if row["track_title"] and row["reason"] is None]
    tracks = int((made.catalogue.content_types == TRACK).sum())
    twice = [count for count in Counter(row["track_id"] for row in rows if row["track_id"]).values() if count > 1]
    assert 0.95 * tracks < len(rows) - len(twice) < 0.99 * tracks
    assert twice
    assert 0.05 < sum(row["track_id"] is None for row in rows) / len(rows) < 0.2


def test_genres_are_skewed_and_releases_are_the_likelier_the_later(world: Callable[..., World]) -> None:
    entries = feed_of(world()).entries
    genres = Counter(name.lower() for names in entries["genres"].to_pylist() for name in names or ())
    assert genres["pop"] > 3 * genres["jazz"] > genres["chanson"] > 0
    years = Counter(year // 10 * 10 for year in entries["release_year"].to_pylist() if year)
    assert years[2010] > years[1990] > years[1970] > 0
    assert pc.max(entries["release_year"]).as_py() == world().anchor.year
