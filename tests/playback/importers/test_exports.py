"""What is found at a path, and the sentence for each way in which there is nothing."""

from pathlib import Path

import pytest

from playback.importers import spotify_basic, spotify_extended
from playback.importers.exports import find_exports, importers
from schemas.errors import InputError

LOOKS_FOR = (
    "it looks for StreamingHistory<n>.json, StreamingHistory_music_<n>.json, "
    "Streaming_History_Audio_<years>_<n>.json, endsong_<n>.json."
)


def test_every_module_with_claims_is_an_importer() -> None:
    assert importers() == (spotify_basic, spotify_extended)


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


def test_an_archive(tmp_path: Path) -> None:
    archive = tmp_path / "my_spotify_data.zip"
    archive.write_bytes(b"PK")
    sentence = f"{archive} is a zip archive: unpack it first and give the folder."
    assert refusal(archive) == refusal(tmp_path) == sentence


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
    assert refusal(tmp_path) == f"The export is one folder deeper, in {inner}: import each such folder by itself."


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
        list(spotify_basic.read(file, ""))
    assert str(error.value) == (
        f"{file} is no whole JSON file (it breaks at byte {position}): unpack or download the export again."
    )


@pytest.mark.parametrize("content", ["{}", "3", "null"])
def test_json_that_is_no_list(tmp_path: Path, content: str) -> None:
    file = tmp_path / "StreamingHistory0.json"
    file.write_text(content)
    with pytest.raises(InputError) as error:
        list(spotify_basic.read(file, ""))
    assert str(error.value) == f"{file} is JSON but no list of playbacks: give the file as it came in the export."
