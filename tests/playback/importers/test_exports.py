"""What is found at a path, and the sentence for each way in which there is nothing."""

import json
from pathlib import Path, PurePath

import pytest

import playback.importers
from playback.importers import (
    event_lines,
    event_parquet,
    lastfm,
    listenbrainz,
    spotify_basic,
    spotify_extended,
    spotify_podcasts,
)
from playback.importers.exports import find_exports, find_listeners, importers
from playback.importers.rows import Listener
from schemas.errors import InputError

LOOKS_FOR = (
    "it looks for <any name>.ndjson, <any name>.parquet, scrobbles of Last.fm in <any name>.csv, "
    "listens/<year>/<month>.jsonl, listens*.jsonl, <name>_lb-<date>.json, StreamingHistory<n>.json, "
    "StreamingHistory_music_<n>.json, Streaming_History_Audio_<years>_<n>.json, endsong_<n>.json, "
    "StreamingHistory_podcast_<n>.json."
)
LISTENER = Listener("0" * 32, list)


def test_every_module_with_claims_is_an_importer() -> None:
    assert importers() == (
        event_lines,
        event_parquet,
        lastfm,
        listenbrainz,
        spotify_basic,
        spotify_extended,
        spotify_podcasts,
    )


NEW_IMPORTER = """
from playback.importers.json_lists import read_list
from playback.importers.rows import Playback, utc_microseconds

FILES = "tapes.json"


def claims(path):
    return path.name == FILES


def read(file, listener):
    return read_list(file, "tape", listener, understand)


def understand(row):
    fields = {"occurred_at": utc_microseconds(row["at"]), "track_title": row["song"], "content_type": "track"}
    return Playback(row["at"], row["song"], row["ms"], fields)
"""


def test_a_new_importer_is_one_file_and_no_other_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "tapes.py").write_text(NEW_IMPORTER)
    monkeypatch.setattr(playback.importers, "__path__", [*playback.importers.__path__, str(tmp_path / "code")])
    importers.cache_clear()
    try:
        tape = tmp_path / "tapes.json"
        tape.write_text(json.dumps([{"at": "1985-04-01T10:00:00Z", "song": "Side A", "ms": 1_800_000}]))
        [(importer, file)] = find_exports(tmp_path)
        [batch] = importer.read(file, LISTENER)
        [event] = batch.events.to_pylist()
        assert (event["source"], event["track_title"], event["ms_played"]) == ("tape", "Side A", 1_800_000)
    finally:
        importers.cache_clear()


@pytest.mark.parametrize(
    ("name", "importer"),
    [
        ("listens/2024/3.jsonl", listenbrainz),
        ("2024/12.jsonl", listenbrainz),
        ("listens.jsonl", listenbrainz),
        ("anna_lb-2021-05-01.json", listenbrainz),
        ("feedback.jsonl", None),
        ("pinned_recording.jsonl", None),
        ("3.jsonl", None),
        ("user.json", None),
        ("recenttracks-anna-1700000000.csv", lastfm),
        ("Anna.CSV", lastfm),
        ("StreamingHistory_podcast_0.json", spotify_podcasts),
        ("StreamingHistory_music_0.json", spotify_basic),
        ("MyData/endsong_3.json", spotify_extended),
        ("events.ndjson", event_lines),
        ("part-0.parquet", event_parquet),
    ],
)
def test_a_file_is_claimed_by_one_importer_at_most(name: str, importer: object) -> None:
    assert [one for one in importers() if one.claims(PurePath(name))] == ([importer] if importer else [])


def test_a_folder_gives_its_export_files_by_name(tmp_path: Path) -> None:
    for name in ("endsong_0.json", "StreamingHistory1.json", "StreamingHistory0.json", "Playlist1.json"):
        (tmp_path / name).write_text("[]")
    (tmp_path / "endsong_1.json").mkdir()
    assert [(one, path.name) for one, path in find_exports(tmp_path)] == [
        (spotify_basic, "StreamingHistory0.json"),
        (spotify_basic, "StreamingHistory1.json"),
        (spotify_extended, "endsong_0.json"),
    ]


def test_a_file_gives_itself(tmp_path: Path) -> None:
    file = tmp_path / "endsong_0.json"
    file.write_text("[]")
    assert find_exports(file) == [(spotify_extended, file)]


def refusal(path: Path) -> str:
    with pytest.raises(InputError) as error:
        find_exports(path)
    return str(error.value)


def test_a_path_that_is_not_there(tmp_path: Path) -> None:
    missing = tmp_path / "missing"
    assert refusal(missing) == f"There is no {missing}: give the folder of an export, or one of its files."


def test_an_empty_folder(tmp_path: Path) -> None:
    assert refusal(tmp_path) == f"The folder {tmp_path} is empty: give the folder that holds the export's files."


def test_a_folder_without_a_known_file(tmp_path: Path) -> None:
    (tmp_path / "Playlist1.json").write_text("{}")
    assert refusal(tmp_path) == f"The folder {tmp_path} holds no export file that is known here: {LOOKS_FOR}"


def test_a_file_that_is_not_known(tmp_path: Path) -> None:
    file = tmp_path / "Playlist1.json"
    file.write_text("{}")
    assert refusal(file) == f"{file} is no export file that is known here: {LOOKS_FOR}"


def test_an_export_one_folder_deeper_is_named_and_not_taken_for_this_folder_s(tmp_path: Path) -> None:
    inner = tmp_path / "Spotify Account Data"
    inner.mkdir()
    (inner / "StreamingHistory0.json").write_text("[]")
    assert refusal(tmp_path) == (
        f"The export is one folder deeper, in {inner}: import that folder, or every folder here as a listener of its "
        "own with `tonearm import --each`."
    )


@pytest.mark.parametrize(
    ("content", "position"),
    [
        (b"", 0),
        (b"not JSON", 0),
        (b'[{"artistName": "Beyonc\xc3\xa9"}, {"a', 32),
        (b'[{"artistName": "Beyonc\xe9"}]', 23),
    ],
)
def test_a_file_that_is_no_whole_json_is_named_with_the_byte_where_it_breaks(
    tmp_path: Path, content: bytes, position: int
) -> None:
    file = tmp_path / "StreamingHistory0.json"
    file.write_bytes(content)
    with pytest.raises(InputError) as error:
        list(spotify_basic.read(file, LISTENER))
    assert str(error.value) == (
        f"{file} is no whole JSON file (it breaks at byte {position}): unpack or download the export again."
    )


@pytest.mark.parametrize("content", ["{}", "3", "null"])
def test_json_that_is_no_list(tmp_path: Path, content: str) -> None:
    file = tmp_path / "StreamingHistory0.json"
    file.write_text(content)
    with pytest.raises(InputError) as error:
        list(spotify_basic.read(file, LISTENER))
    assert str(error.value) == f"{file} is JSON but no list of playbacks: give the file as it came in the export."


def test_the_months_of_an_unpacked_listenbrainz_export_are_found_in_their_folders(tmp_path: Path) -> None:
    for name in ("user.json", "feedback.jsonl", "listens/2023/12.jsonl", "listens/2024/1.jsonl"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    found = [(tmp_path / "listens" / year / month) for year, month in (("2023", "12.jsonl"), ("2024", "1.jsonl"))]
    assert find_exports(tmp_path) == [(listenbrainz, file) for file in found]


def test_the_listeners_of_a_folder_are_its_folders_and_archives(tmp_path: Path) -> None:
    for name in ("bob", "anna", ".git"):
        (tmp_path / name).mkdir()
    (tmp_path / "carl.zip").write_bytes(b"")
    (tmp_path / "notes.txt").write_text("")
    assert [one.name for one in find_listeners(tmp_path)] == ["anna", "bob", "carl.zip"]


def test_a_file_beside_the_listeners_folders_is_nobody_s(tmp_path: Path) -> None:
    (tmp_path / "anna").mkdir()
    (tmp_path / "endsong_0.json").write_text("[]")
    with pytest.raises(InputError, match=r"endsong_0\.json is in no listener's folder"):
        find_listeners(tmp_path)


def test_no_listener_in_a_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no folder and no zip archive"):
        find_listeners(tmp_path)
