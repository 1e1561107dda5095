"""Zip archives as downloaded are read in place; hostile ones are refused with a sentence."""

import io
import struct
import zipfile
from pathlib import Path

import pytest

from playback.importers import archives, spotify_basic, spotify_extended
from playback.importers.exports import find_exports
from playback.importers.rows import Listener
from schemas.errors import InputError

LISTENER = Listener("0" * 32, list)
ROWS = b'[{"endTime": "2022-02-28 02:39", "artistName": "A", "trackName": "B", "msPlayed": 243047}]'


def archive(tmp_path: Path, members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    path = tmp_path / "my_spotify_data.zip"
    with zipfile.ZipFile(path, "w", method) as packed:
        for name, content in members.items():
            packed.writestr(name, content)
    return path


def refusal(path: Path) -> str:
    with pytest.raises(InputError) as error:
        for importer, file in find_exports(path):
            list(importer.read(file, LISTENER))
    return str(error.value)


def test_members_in_any_folder_are_read_as_if_they_were_files(tmp_path: Path) -> None:
    path = archive(
        tmp_path,
        {
            "Spotify Account Data/StreamingHistory_music_0.json": ROWS,
            "MyData/endsong_0.json": b'[{"ts": "2022-03-01T10:00:00Z", "ms_played": 5}]',
            "MyData/Userdata.json": b'{"email": "anna@example.org"}',
            "__MACOSX/MyData/._endsong_0.json": b"\0",
        },
    )
    found = find_exports(path)
    assert [importer for importer, _ in found] == [spotify_extended, spotify_basic]
    assert [batch.events.num_rows for one, file in found for batch in one.read(file, LISTENER)] == [1, 1]
    assert str(found[0][1]) == f"{path}/MyData/endsong_0.json"


def test_an_archive_in_a_folder_belongs_to_its_export(tmp_path: Path) -> None:
    archive(tmp_path, {"StreamingHistory1.json": ROWS})
    (tmp_path / "StreamingHistory0.json").write_bytes(ROWS)
    assert [file.name for _, file in find_exports(tmp_path)] == ["StreamingHistory0.json", "StreamingHistory1.json"]


def test_an_archive_without_an_export(tmp_path: Path) -> None:
    path = archive(tmp_path, {"readme.txt": b""})
    assert refusal(path).startswith(f"The archive {path} holds no export file that is known here: it looks for ")
    assert refusal(tmp_path).startswith(f"The archives in {tmp_path} hold no export file that is known here")


@pytest.mark.parametrize("content", [b"", b"PK", b"PK\x03\x04" + bytes(50), b"PK\x05\x06" + b"\xff" * 18])
def test_what_is_no_archive(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "my_spotify_data.zip"
    path.write_bytes(content)
    assert refusal(path) == f"{path} is no whole zip archive: download it again."


@pytest.mark.parametrize("name", ["../endsong_0.json", "a/../../endsong_0.json", "/etc/endsong_0.json", "..\\e.json"])
def test_a_name_outside_the_archive(tmp_path: Path, name: str) -> None:
    path = archive(tmp_path, {name: ROWS})
    assert refusal(path) == f"{path} names a file outside itself, as no export does: it is not to be trusted."


def test_a_small_member_that_would_fill_memory(tmp_path: Path) -> None:
    path = archive(tmp_path, {"endsong_0.json": bytes(1 << 25)})
    assert refusal(path).startswith(f"{path}/endsong_0.json would be 33,554,432 bytes of ")


def test_a_member_beyond_the_largest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MAX_MEMBER_BYTES", 80)
    assert "would be 90 bytes of 90 packed ones" in refusal(
        archive(tmp_path, {"endsong_0.json": ROWS}, zipfile.ZIP_STORED)
    )


def test_members_that_are_too_much_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MAX_ARCHIVE_BYTES", 100)
    path = archive(tmp_path, {"endsong_0.json": ROWS, "endsong_1.json": ROWS})
    assert refusal(path).startswith(f"{path} would unpack to more than ")


def test_too_many_members(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MAX_MEMBERS", 2)
    assert "holds more than 2 files" in refusal(archive(tmp_path, dict.fromkeys("abc", b"")))


def test_an_encrypted_archive(tmp_path: Path) -> None:
    path = archive(tmp_path, {"endsong_0.json": ROWS})
    raw = bytearray(path.read_bytes())
    directory = raw.index(b"PK\x01\x02")
    raw[directory + 8] |= 1
    raw[6] |= 1
    path.write_bytes(raw)
    assert refusal(path) == f"{path} is encrypted: unpack it with its password and give the folder."


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_method_that_cannot_be_bounded(tmp_path: Path, method: int) -> None:
    path = archive(tmp_path, {"endsong_0.json": ROWS}, method)
    assert refusal(path) == f"{path} is packed in a way that exports are not: unpack it and give the folder."


def test_a_member_that_is_more_than_it_says(tmp_path: Path) -> None:
    path = archive(tmp_path, {"endsong_0.json": b"[" + b"1," * 5_000_000 + b"1]"})
    raw = bytearray(path.read_bytes())
    directory = raw.index(b"PK\x01\x02")
    raw[directory + 24 : directory + 28] = struct.pack("<I", 100)
    path.write_bytes(raw)
    assert refusal(path) == f"{path}/endsong_0.json is damaged: download the archive again."


def test_a_member_whose_bytes_changed(tmp_path: Path) -> None:
    path = archive(tmp_path, {"endsong_0.json": ROWS}, zipfile.ZIP_STORED)
    path.write_bytes(path.read_bytes().replace(b"243047", b"243048"))
    assert refusal(path) == f"{path}/endsong_0.json is damaged: download the archive again."


def test_an_archive_that_breaks_off(tmp_path: Path) -> None:
    path = archive(tmp_path, {"endsong_0.json": ROWS})
    path.write_bytes(path.read_bytes()[:-30])
    assert refusal(path) == f"{path} is no whole zip archive: download it again."


def test_an_archive_within_an_archive_is_not_opened(tmp_path: Path) -> None:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as packed:
        packed.writestr("endsong_0.json", ROWS)
    assert "holds no export file" in refusal(archive(tmp_path, {"inner.zip": inner.getvalue()}))


def test_a_name_that_is_not_printable_is_shown_harmlessly(tmp_path: Path) -> None:
    path = archive(tmp_path, {"\x1b[31m/endsong_0.json": b"{}"})
    assert refusal(path) == f"{path}/'\\x1b[31m/endsong_0.json' is JSON but no list of playbacks: " + (
        "give the file as it came in the export."
    )
