"""A real export, where it is at hand: every row becomes exactly one event."""

import zipfile
from collections import Counter
from pathlib import Path

import pytest

from playback.importers.exports import find_exports
from playback.importers.rows import Listener

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
