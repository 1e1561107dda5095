"""One listener's histories of every kind, imported together and once more."""

import json
import zipfile
from collections import Counter
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

MUSIC = ("silver.plays", "silver.tracks", "gold.daily_track_plays", "gold.daily_user_plays", "gold.country_charts")
MBID = "e225fb84-dc9a-419e-adcd-9890f59ec432"
LISTEN = {
    "listened_at": 1_672_567_200.0,  # 2023-01-01 10:00:00 UTC
    "track_metadata": {
        "track_name": "Vantablack",
        "artist_name": "Dool",
        "additional_info": {"duration_ms": 500_000, "recording_mbid": MBID},
    },
}
SHORT_LISTEN = {
    "listened_at": 1_672_567_800,
    "track_metadata": {
        "track_name": "Interlude",
        "artist_name": "Dool",
        "additional_info": {"duration": 20, "spotify_id": "https://open.spotify.com/track/" + "a" * 22},
    },
}
SCROBBLES = (
    "uts,utc_time,artist,artist_mbid,album,album_mbid,track,track_mbid\n"
    '"","","Now","","","","Playing",""\n'
    '"1672570800","01 Jan 2023, 11:00","Band ""Q""","","","","Song, long",""\n'
    '"1672571400","01 Jan 2023, 11:10","Dool","","","","Vantablack",""\n'
)
STREAMED = {
    "ts": "2023-01-02T10:00:00Z",
    "username": "anna.real",
    "ms_played": 20_000,
    "spotify_track_uri": "spotify:track:" + "a" * 22,
    "master_metadata_track_name": "Interlude",
    "master_metadata_album_artist_name": "Dool",
    "reason_end": "fwdbtn",
    "conn_country": "NL",
    "ip_addr": "192.0.2.7",
    "incognito_mode": True,
}
EPISODE = {"endTime": "2023-01-02 11:00", "podcastName": "Show", "episodeName": "Pilot", "msPlayed": 600_000}
OWN = {
    "source": "jukebox",
    "occurred_at": "2023-01-02T12:00:00Z",
    "track_id": "jukebox:7",
    "track_title": "Seven",
    "content_type": "track",
    "ms_played": 180_000,
    "install_id": "box-1",
    "shoe_size": 44,
}


@pytest.fixture(scope="module")
def histories(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """ListenBrainz, Last.fm, a Spotify zip and own events: 8 playbacks and 3 rows that are none."""
    folder = tmp_path_factory.mktemp("histories")
    listens = folder / "listens" / "2023"
    listens.mkdir(parents=True)
    (listens / "1.jsonl").write_text("".join(json.dumps(row) + "\n" for row in (LISTEN, SHORT_LISTEN, {"no": "time"})))
    (folder / "feedback.jsonl").write_text("{}\n")
    (folder / "scrobbles.csv").write_text(SCROBBLES)
    with zipfile.ZipFile(folder / "my_spotify_data.zip", "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("Spotify Extended Streaming History/endsong_0.json", json.dumps([STREAMED]))
        packed.writestr("Spotify Account Data/StreamingHistory_podcast_0.json", json.dumps([EPISODE]))
    own = [OWN | {"sequence": 0}, OWN | {"sequence": 1, "occurred_at": "2023-01-02T12:05:00Z", "user": "Bert"}]
    (folder / "events.ndjson").write_text("".join(json.dumps(row) + "\n" for row in (*own, {"user_id": "Bert"})))
    return folder


@pytest.fixture(scope="module")
def made(deployment: Callable[..., Any], histories: Path) -> tuple[Any, Any, dict[str, str], Any, dict[str, str]]:
    """A deployment, its run after the import with digests, and the same after importing it again."""
    one = deployment()
    manifest = one.send(histories)
    assert (manifest.events, manifest.rejects) == (8, 3)
    first, digests = one.run(), one.digests()
    one.send(histories)
    again = one.run()
    return one, first, digests, again, one.digests()


def test_each_playback_is_counted_as_its_source_says(made: Any) -> None:
    one, *_ = made
    names = ("source", "content_type", "track_title", "counts_as_play", "is_skip", "ms_played")
    assert Counter(tuple(row[name] for name in names) for row in one.rows("silver.plays")) == {
        ("listenbrainz", "track", "Vantablack", True, False, 240_000): 1,
        ("listenbrainz", "track", "Interlude", False, False, 10_000): 1,
        ("lastfm", "track", "Song, long", True, False, 30_000): 1,
        ("lastfm", "track", "Vantablack", True, False, 30_000): 1,
        ("spotify-extended", "track", "Interlude", False, True, 20_000): 1,
        ("spotify-basic", "episode", "Pilot", True, False, 600_000): 1,
        ("jukebox", "track", "Seven", True, False, 180_000): 2,
    }


def test_a_track_with_one_id_in_two_histories_is_one_track(made: Any) -> None:
    one, *_ = made
    tracks = {(row["source"], row["track_title"]): row["track_id"] for row in one.rows("silver.plays")}
    assert tracks["listenbrainz", "Interlude"] == tracks["spotify-extended", "Interlude"] == "spotify:track:" + "a" * 22
    assert tracks["listenbrainz", "Vantablack"] == f"mbid:recording:{MBID}"
    assert tracks["lastfm", "Vantablack"].startswith("name:")


def test_the_days_of_each_listener(made: Any) -> None:
    one, *_ = made
    days = Counter((row["event_date"], row["playback_count"], row["play_count"]) for row in one.served_days())
    assert days == {(date(2023, 1, 1), 4, 3): 1, (date(2023, 1, 2), 2, 1): 1}
    assert sum(row["playback_count"] for row in one.rows("gold.daily_user_plays")) == 7


def test_the_sheet_adds_up_and_every_second_playback_is_a_duplicate(made: Any) -> None:
    one, first, _, again, _ = made
    assert first.sheet.adds_up
    assert again.sheet.adds_up
    assert {name: first.sheet.total(name) for name in ("sent", "accepted", "duplicate", "dead_letter")} == {
        "sent": 11,
        "accepted": 8,
        "duplicate": 0,
        "dead_letter": 3,
    }
    assert {name: again.sheet.total(name) for name in ("sent", "accepted", "duplicate", "dead_letter")} == {
        "sent": 22,
        "accepted": 8,
        "duplicate": 8,
        "dead_letter": 6,
    }
    assert not any(row["is_conflict"] for row in one.rows("silver.duplicates"))


def test_importing_again_changes_nothing_that_is_counted(made: Any) -> None:
    _, _, before, again, after = made
    assert {name: after[name] for name in MUSIC} == {name: before[name] for name in MUSIC}
    assert not {one.table for one in again.published} & set(MUSIC)


def test_nothing_that_names_the_listener_is_in_the_ledger(made: Any) -> None:
    one, *_ = made
    payloads = b"".join(row["payload"] for row in one.rows("bronze.playback_events"))
    assert not [name for name in (b"Anna", b"anna.real", b"192.0.2.7") if name in payloads]
