"""A real export, where it is at hand: every row becomes exactly one event, and what overlaps is found."""

import zipfile
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from playback.identity import resolve_track_id
from playback.importers.exports import find_exports
from playback.importers.rows import Listener
from playback.merging import by_date

EXPORT = Path(__file__).resolve().parents[4] / "shared" / "data" / "spotify-export"


@pytest.mark.skipif(not EXPORT.is_dir(), reason="the real export is not at ../shared/data/spotify-export")
def test_every_row_of_a_real_export_is_one_event() -> None:
    assert_counts(EXPORT)


@pytest.mark.skipif(not EXPORT.is_dir(), reason="the real export is not at ../shared/data/spotify-export")
def test_the_same_in_a_zip_archive(tmp_path: Path) -> None:
    archive = tmp_path / "my_spotify_data.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        for file in EXPORT.iterdir():
            packed.write(file, f"Spotify Account Data/{file.name}")
    assert_counts(archive)


def assert_counts(export: Path) -> None:
    sources: Counter[str] = Counter()
    contents: Counter[str] = Counter()
    ids = set()
    rejects = 0
    for importer, path in find_exports(export):
        for batch in importer.read(path, Listener("0" * 32, list)):
            batch.events.validate(full=True)
            sources.update(batch.events["source"].to_pylist())
            contents.update(batch.events["content_type"].to_pylist())
            ids.update(batch.events["event_id"].to_pylist())
            rejects += len(batch.rejects)
    assert sources == {"spotify-basic": 18_706, "spotify-extended": 1_821}
    assert contents == {"track": 20_306, "unknown": 220, "episode": 1}
    assert len(ids) == 20_527
    assert rejects == 0


@pytest.mark.skipif(not EXPORT.is_dir(), reason="the real export is not at ../shared/data/spotify-export")
def test_what_the_basic_and_the_extended_export_both_tell_is_merged_by_its_time() -> None:
    plays = real_plays()
    heard = dict(zip(plays["event_id"].to_pylist(), plays["ms_played"].to_pylist(), strict=True))
    source = dict(zip(plays["event_id"].to_pylist(), plays["source"].to_pylist(), strict=True))

    merged = pa.concat_tables(by_date(plays)).to_pylist()

    assert len(merged) == 424
    assert {(source[row["event_id"]], source[row["kept_event_id"]]) for row in merged} == {
        ("spotify-basic", "spotify-extended")
    }
    # Nothing was asked of it but to differ by three seconds at most: that all are the same says that they are right.
    assert all(heard[row["event_id"]] == heard[row["kept_event_id"]] for row in merged)


def real_plays() -> pa.Table:
    """The events of the export of which a track is known, as silver has them."""
    found = [
        batch.events
        for importer, path in find_exports(EXPORT)
        for batch in importer.read(path, Listener("0" * 32, list))
    ]
    events = pa.Table.from_batches(found).combine_chunks()
    names = (events[name].combine_chunks() for name in ("track_id", "artist_name", "track_title"))
    columns = events.drop_columns(["track_id"]).append_column("track_id", resolve_track_id(*names))
    dated = columns.append_column("event_date", columns["occurred_at"].cast(pa.date32()))
    return dated.filter(pc.is_valid(dated["track_id"]))
