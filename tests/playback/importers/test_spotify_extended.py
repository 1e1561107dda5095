"""Rows of an extended export, literally, and the events they become."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from playback.importers import spotify_extended
from playback.importers.rows import Listener
from schemas.events import CURRENT

USER = "b" * 32
LISTENER = Listener(USER, list)
ROW: dict[str, object] = {
    "ts": "2022-02-22T20:46:54Z",
    "username": "somebody.real",
    "platform": "ios",
    "ms_played": 219310,
    "conn_country": "CO",
    "ip_addr_decrypted": "192.0.2.7",
    "user_agent_decrypted": "Agent 007",
    "master_metadata_track_name": "Bianca Stratford",
    "master_metadata_album_artist_name": "BB Bean",
    "master_metadata_album_album_name": "Bianca Stratford EP",
    "spotify_track_uri": "spotify:track:0uoyRcSBbBsHFpMHmYBJ0j",
    "episode_name": None,
    "episode_show_name": None,
    "spotify_episode_uri": None,
    "reason_start": "clickrow",
    "reason_end": "trackdone",
    "shuffle": False,
    "skipped": None,
    "offline": False,
    "offline_timestamp": 1645562593,
    "incognito_mode": False,
}
NOTHING_KNOWN = dict.fromkeys(ROW) | {"ts": "2022-12-07T05:59:21Z", "ms_played": 97293}


def read(tmp_path: Path, *listed: object) -> tuple[list[dict[str, object]], list[bytes]]:
    path = tmp_path / "endsong_0.json"
    path.write_text(json.dumps(listed), encoding="utf-8")
    batches = list(spotify_extended.read(path, LISTENER))
    events = [event for batch in batches for event in batch.events.to_pylist()]
    return events, [reject for batch in batches for reject in batch.rejects]


def test_a_row_becomes_an_event_without_what_names_the_listener(tmp_path: Path) -> None:
    (event,), rejects = read(tmp_path, ROW)
    said = {
        "event_id": event["event_id"],
        "source": "spotify-extended",
        "user_id": USER,
        "occurred_at": datetime(2022, 2, 22, 20, 46, 54, tzinfo=UTC),
        "offline": False,
        "shuffle": False,
        "private_session": False,
        "track_id": "spotify:track:0uoyRcSBbBsHFpMHmYBJ0j",
        "track_title": "Bianca Stratford",
        "artist_name": "BB Bean",
        "album_title": "Bianca Stratford EP",
        "content_type": "track",
        "country": "CO",
        "platform": "ios",
        "outcome": "play",
        "ms_played": 219310,
        "reason_start": "clickrow",
        "reason_end": "trackdone",
    }
    assert event == {field.name: None for field in CURRENT.fields} | said
    assert rejects == []


def test_an_episode_is_named_by_its_show(tmp_path: Path) -> None:
    episode = {"spotify_episode_uri": "spotify:episode:1", "episode_name": "Pilot", "episode_show_name": "Some Show"}
    (event,), _ = read(tmp_path, NOTHING_KNOWN | episode)
    names = ("content_type", "track_id", "track_title", "artist_name", "album_title")
    assert [event[name] for name in names] == ["episode", "spotify:episode:1", "Pilot", "Some Show", None]


def test_a_row_of_nothing_but_time_is_of_unknown_content(tmp_path: Path) -> None:
    (event,), _ = read(tmp_path, NOTHING_KNOWN)
    known = {name for name, value in event.items() if value is not None}
    assert known == {"event_id", "source", "user_id", "occurred_at", "ms_played", "content_type"}
    assert event["content_type"] == "unknown"


@pytest.mark.parametrize(
    ("reason", "skipped", "outcome"),
    [
        ("fwdbtn", None, "skip"),
        ("backbtn", False, "skip"),
        ("trackdone", True, "skip"),
        ("unknown", True, "skip"),
        (None, True, "skip"),
        ("trackdone", None, "play"),
        ("endplay", False, "play"),
        ("unexpected-exit", None, "play"),
        ("unknown", None, None),
        ("unknown", False, None),
        (None, None, None),
        ("", False, None),
        ("trackdone", "true", "play"),
    ],
)
def test_the_outcome_is_what_the_client_reported(
    tmp_path: Path, reason: str | None, skipped: object, outcome: str | None
) -> None:
    (event,), _ = read(tmp_path, ROW | {"reason_end": reason, "skipped": skipped})
    assert event["outcome"] == outcome
    assert event["reason_end"] == (reason or None)


@pytest.mark.parametrize(
    ("given", "country"), [("CO", "CO"), ("ZZ", None), ("co", None), ("COL", None), ("", None), (57, None)]
)
def test_a_country_is_two_capital_letters_or_not_reported(tmp_path: Path, given: object, country: str | None) -> None:
    (event,), _ = read(tmp_path, ROW | {"conn_country": given})
    assert event["country"] == country


@pytest.mark.parametrize(
    ("time", "hour"),
    [
        ("2022-02-22T20:46:54Z", 20),
        ("2022-02-22 20:46:54", 20),
        ("2022-02-22T20:46:54+02:00", 18),
        ("2022-02-22T20:46:54.123456Z", 20),
    ],
)
def test_time_is_utc_unless_it_names_a_zone(tmp_path: Path, time: str, hour: int) -> None:
    (event,), _ = read(tmp_path, ROW | {"ts": time})
    occurred_at = event["occurred_at"]
    assert isinstance(occurred_at, datetime)
    assert occurred_at.hour == hour


@pytest.mark.parametrize(
    "wrong",
    [
        {"ts": None},
        {"ts": "2022-02-22T20:46:61Z"},
        {"ts": "0001-01-01T00:00:00+14:00"},
        {"ts": 1645562593},
        {"ms_played": None},
        {"ms_played": "1"},
    ],
)
def test_a_row_without_time_or_duration_is_a_reject(tmp_path: Path, wrong: dict[str, object]) -> None:
    row = ROW | wrong
    assert read(tmp_path, row) == ([], [json.dumps(row).encode()])


def test_two_playbacks_of_nothing_known_at_one_moment_are_two(tmp_path: Path) -> None:
    events, _ = read(tmp_path, NOTHING_KNOWN, NOTHING_KNOWN)
    assert len({event["event_id"] for event in events}) == 2


@pytest.mark.parametrize(
    ("name", "claimed"),
    [
        ("endsong_0.json", True),
        ("Streaming_History_Audio_2019-2021_3.json", True),
        ("Streaming_History_Video_2019-2021.json", False),
        ("StreamingHistory0.json", False),
        ("endsong_0.json.gz", False),
    ],
)
def test_files_of_audio_are_claimed_by_name(name: str, claimed: bool) -> None:
    assert spotify_extended.claims(Path(name)) is claimed


@pytest.mark.parametrize("given", [None, "true", 1, [], {}])
def test_what_is_no_truth_value_says_nothing(given: object, tmp_path: Path) -> None:
    (event,), _ = read(tmp_path, ROW | dict.fromkeys(("offline", "shuffle", "incognito_mode"), given))
    assert [event[name] for name in ("offline", "shuffle", "private_session")] == [None] * 3


def test_a_private_session_is_an_event_that_says_so(tmp_path: Path) -> None:
    (event,), _ = read(tmp_path, ROW | {"incognito_mode": True, "shuffle": True})
    assert (event["private_session"], event["shuffle"]) == (True, True)
