"""Rows of a basic export's podcasts, literally, and the events they become."""

import json
from pathlib import Path

from playback.importers import spotify_basic, spotify_podcasts
from playback.importers.rows import Listener

LISTENER = Listener("a" * 32, list)
ROW = {"endTime": "2022-02-28 02:39", "podcastName": "Some Show", "episodeName": "Pilot", "msPlayed": 243047}


def test_an_episode_is_named_by_its_show(tmp_path: Path) -> None:
    path = tmp_path / "StreamingHistory_podcast_0.json"
    path.write_text(json.dumps([ROW, {}]))
    (batch,) = spotify_podcasts.read(path, LISTENER)
    (event,) = batch.events.to_pylist()
    names = ("source", "content_type", "artist_name", "track_title", "track_id", "outcome", "ms_played")
    assert [event[name] for name in names] == ["spotify-basic", "episode", "Some Show", "Pilot", None, None, 243047]
    assert batch.rejects == [b"{}"]


def test_an_export_that_named_it_among_the_music_has_the_same_id(tmp_path: Path) -> None:
    music = {"endTime": ROW["endTime"], "artistName": "Some Show", "trackName": "Pilot", "msPlayed": 243047}
    (tmp_path / "podcast").write_text(json.dumps([ROW]))
    (tmp_path / "music").write_text(json.dumps([music]))
    (podcast,) = spotify_podcasts.read(tmp_path / "podcast", LISTENER)
    (basic,) = spotify_basic.read(tmp_path / "music", LISTENER)
    assert podcast.events["event_id"] == basic.events["event_id"]
