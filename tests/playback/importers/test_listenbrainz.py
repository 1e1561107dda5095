"""Rows of ListenBrainz exports, literally, and the events they become."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playback.importers import listenbrainz
from playback.importers.rows import Listener
from schemas.errors import InputError
from schemas.events import CURRENT

USER = "c" * 32
LISTENER = Listener(USER, list)
BEGAN = 1_700_000_000
MBID = "e225fb84-dc9a-419e-adcd-9890f59ec432"
OTHER_MBID = "aa1ea1ac-7ec4-4542-a494-105afbfe547d"
SPOTIFY = "https://open.spotify.com/track/0uoyRcSBbBsHFpMHmYBJ0j"
ROW = {
    "inserted_at": 1_700_000_300,
    "listened_at": float(BEGAN),
    "recording_msid": "11111111-1111-4111-8111-111111111111",
    "track_metadata": {
        "track_name": "Vantablack",
        "artist_name": "Dool",
        "release_name": "Here Now, There Then",
        "additional_info": {"duration_ms": 502_001, "media_player": "mpd", "listening_from": "my flat"},
        "mbid_mapping": None,
    },
}


def listen(info: object, **changed: object) -> dict[str, object]:
    return ROW | {"track_metadata": ROW["track_metadata"] | {"additional_info": info} | changed}  # type: ignore[operator]


def read(tmp_path: Path, *lines: object, name: str = "listens.jsonl") -> tuple[list[dict[str, object]], list[bytes]]:
    path = tmp_path / name
    written = [line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines]
    path.write_bytes(b"".join(line + b"\n" for line in written))
    batches = list(listenbrainz.read(path, LISTENER))
    events = [event for batch in batches for event in batch.events.to_pylist()]
    return events, [reject for batch in batches for reject in batch.rejects]


def test_a_listen_becomes_a_play_of_at_least_four_minutes_or_half(tmp_path: Path) -> None:
    (event,), rejects = read(tmp_path, ROW)
    said = {
        "event_id": event["event_id"],
        "source": "listenbrainz",
        "user_id": USER,
        "occurred_at": datetime.fromtimestamp(BEGAN, UTC) + timedelta(milliseconds=502_001),
        "track_title": "Vantablack",
        "artist_name": "Dool",
        "album_title": "Here Now, There Then",
        "content_type": "track",
        "outcome": "play",
        "ms_played": 240_000,
        "track_ms": 502_001,
    }
    assert event == {field.name: None for field in CURRENT.fields} | said
    assert rejects == []


@pytest.mark.parametrize(
    ("info", "track_ms", "ms_played"),
    [
        ({"duration_ms": 215_001}, 215_001, 107_500),
        ({"duration": 215}, 215_000, 107_500),
        ({"duration": 215.25}, 215_250, 107_625),
        ({"duration_ms": 40_000}, 40_000, 20_000),
        ({"duration_ms": 1}, 1, 0),
        ({}, None, 30_000),
        (None, None, 30_000),
        ("no object", None, 30_000),
        ({"duration_ms": 0}, None, 30_000),
        ({"duration_ms": -5}, None, 30_000),
        ({"duration_ms": 86_400_001}, None, 30_000),
        ({"duration_ms": 10**30}, None, 30_000),
        ({"duration_ms": "215000"}, None, 30_000),
        ({"duration_ms": True}, None, 30_000),
        ({"duration_ms": None, "duration": 10}, 10_000, 5_000),
    ],
)
def test_what_was_heard_is_the_least_that_the_rules_allow(
    tmp_path: Path, info: object, track_ms: int | None, ms_played: int
) -> None:
    (event,), _ = read(tmp_path, listen(info))
    assert (event["track_ms"], event["ms_played"], event["outcome"]) == (track_ms, ms_played, "play")
    assert event["occurred_at"] == datetime.fromtimestamp(BEGAN, UTC) + timedelta(milliseconds=track_ms or 0)


@pytest.mark.parametrize(
    ("info", "matched", "track_id"),
    [
        ({"recording_mbid": MBID}, None, f"mbid:recording:{MBID}"),
        ({"recording_mbid": MBID.upper(), "spotify_id": SPOTIFY}, OTHER_MBID, f"mbid:recording:{MBID}"),
        ({"spotify_id": SPOTIFY}, OTHER_MBID, "spotify:track:0uoyRcSBbBsHFpMHmYBJ0j"),
        ({"origin_url": SPOTIFY + "?si=secret"}, None, "spotify:track:0uoyRcSBbBsHFpMHmYBJ0j"),
        ({"spotify_id": "https://open.spotify.com/intl-de/track/" + "a" * 22}, None, "spotify:track:" + "a" * 22),
        ({}, OTHER_MBID, f"mbid:recording:{OTHER_MBID}"),
        ({"origin_url": "https://anna:secret@music.example.org/rest/stream?id=5"}, None, None),
        ({"spotify_id": "0uoyRcSBbBsHFpMHmYBJ0j", "recording_mbid": ""}, None, None),
        ({"recording_mbid": [MBID], "spotify_id": 5}, None, None),
        ({"recording_mbid": "not an id"}, "nor this", None),
    ],
)
def test_a_track_is_what_was_submitted_before_what_was_matched(
    tmp_path: Path, info: dict[str, object], matched: str | None, track_id: str | None
) -> None:
    (event,), _ = read(tmp_path, listen(info, mbid_mapping={"recording_mbid": matched}))
    assert event["track_id"] == track_id


def test_a_later_export_that_matches_another_recording_and_spells_the_time_otherwise_has_the_same_id(
    tmp_path: Path,
) -> None:
    (first,), _ = read(tmp_path, listen({}, mbid_mapping={"recording_mbid": MBID}))
    (later,), _ = read(tmp_path, listen({}) | {"listened_at": BEGAN, "inserted_at": 5})
    assert first["event_id"] == later["event_id"]


@pytest.mark.parametrize(
    "line",
    [
        b"3",
        b"null",
        b"[]",
        b"{}",
        b"{broken",
        b'{"listened_at": NaN, "track_metadata": {}}',
        b'{"listened_at": 1e400, "track_metadata": {}}',
        b'{"listened_at": 1e300, "track_metadata": {}}',
        b'{"listened_at": -1e14, "track_metadata": {}}',
        b'{"listened_at": null, "track_metadata": {}}',
        b'{"listened_at": true, "track_metadata": {}}',
        b'{"listened_at": "1700000000", "track_metadata": {}}',
        b'{"listened_at": 1700000000}',
        b'{"listened_at": 1700000000, "track_metadata": []}',
        b'{"listened_at": 1700000000, "track_metadata": {"track_name": "\\ud800"}}',
        b'{"listened_at": 1700000000, "track_metadata": {"track_name": "\xff"}}',
        b'{"listened_at": 1700000000, "track_metadata": {"track_name": "' + b"x" * 10_001 + b'"}}',
        b"[" * 5_000 + b"]" * 5_000,
    ],
)
def test_a_line_that_is_no_listen_is_kept_as_it_stood(tmp_path: Path, line: bytes) -> None:
    events, rejects = read(tmp_path, ROW, line, ROW)
    assert len(events) == 2
    assert rejects == [line]


def test_a_line_beyond_all_measure_costs_itself_only(tmp_path: Path) -> None:
    events, rejects = read(tmp_path, ROW, b'{"x": "' + b"y" * 3_000_000 + b'"}', ROW)
    assert len(events) == 2
    assert [len(reject) for reject in rejects] == [500_000]


def test_blank_lines_and_a_byte_order_mark_are_no_rows(tmp_path: Path) -> None:
    path = tmp_path / "listens.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps(ROW).encode() + b"\r\n\r\n \n" + json.dumps(ROW).encode())
    (batch,) = listenbrainz.read(path, LISTENER)
    assert (batch.events.num_rows, batch.rejects) == (2, [])


def test_an_empty_file_has_no_rows(tmp_path: Path) -> None:
    assert read(tmp_path) == ([], [])


def test_a_file_that_breaks_off_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "listens.jsonl"
    path.write_bytes(json.dumps(ROW).encode() + b"\n" + json.dumps(ROW).encode()[:-9])
    with pytest.raises(InputError) as error:
        list(listenbrainz.read(path, LISTENER))
    assert str(error.value) == f"{path} breaks off in its last line: unpack or download the export again."


def test_an_earlier_export_is_one_list_with_the_same_ids(tmp_path: Path) -> None:
    (event,), _ = read(tmp_path, ROW)
    path = tmp_path / "anna_lb-2021-05-01.json"
    path.write_text(json.dumps([ROW, 5]))
    (batch,) = listenbrainz.read(path, LISTENER)
    assert batch.events.to_pylist() == [event]
    assert batch.rejects == [b"5"]


listens = st.builds(
    lambda second, title, info, matched: (
        listen(info, track_name=title, mbid_mapping=matched) | {"listened_at": BEGAN + second}
    ),
    st.integers(0, 2),
    st.sampled_from(["A", "B", ""]),
    st.sampled_from([{}, {"duration_ms": 5_000}]),
    st.sampled_from([None, {"recording_mbid": MBID}]),
)


def ids_of(rows: list[dict[str, object]]) -> set[object]:
    with TemporaryDirectory() as folder:
        return {event["event_id"] for event in read(Path(folder), *rows)[0]}


@given(st.lists(listens, max_size=8), st.lists(listens, max_size=8))
def test_the_same_export_and_a_longer_one_give_the_same_ids(
    earlier: list[dict[str, object]], later: list[dict[str, object]]
) -> None:
    ids = ids_of(earlier)
    assert len(ids) == len(earlier)
    assert ids == ids_of(earlier)
    assert ids <= ids_of(later + earlier)
