"""A real export, where it is at hand: every row becomes exactly one event."""

from collections import Counter
from pathlib import Path

import pytest

from playback.importers.exports import find_exports

EXPORT = Path(__file__).resolve().parents[4] / "shared" / "data" / "spotify-export"


@pytest.mark.skipif(not EXPORT.is_dir(), reason="the real export is not at ../shared/data/spotify-export")
def test_every_row_of_a_real_export_is_one_event() -> None:
    sources: Counter[str] = Counter()
    contents: Counter[str] = Counter()
    ids = set()
    rejects = 0
    for importer, path in find_exports(EXPORT):
        for batch in importer.read(path, "0" * 32):
            batch.events.validate(full=True)
            sources.update(batch.events["source"].to_pylist())
            contents.update(batch.events["content_type"].to_pylist())
            ids.update(batch.events["event_id"].to_pylist())
            rejects += len(batch.rejects)
    assert sources == {"spotify-basic": 18_706, "spotify-extended": 1_821}
    assert contents == {"track": 20_306, "unknown": 220, "episode": 1}
    assert len(ids) == 20_527
    assert rejects == 0
