"""`tonearm import` against a real broker."""

import json
import uuid
import zipfile
from pathlib import Path
from typing import Any

import pytest

from infra.identity import Identities
from infra.kafka.manifests import read_manifests
from infra.settings import Settings
from schemas.errors import InputError
from tonearm.app import run
from tonearm.commands.import_ import folder_name, import_each, import_path

ROW = {"endTime": "2022-02-28 02:39", "artistName": "Poolside", "trackName": "Harvest Moon", "msPlayed": 243047}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A home and a topic of the test's own."""
    return Settings(home=tmp_path / "home", playback_topic=f"import-{uuid.uuid4().hex[:8]}")


@pytest.fixture
def export(tmp_path: Path) -> Path:
    """An export of two files: three playbacks and one row that is none."""
    folder = tmp_path / "alice"
    folder.mkdir()
    (folder / "StreamingHistory0.json").write_text(json.dumps([ROW, {"no": "time"}]))
    (folder / "endsong_0.json").write_text(json.dumps([{"ts": "2022-03-01T10:00:00Z", "ms_played": 5}] * 2))
    return folder


def test_every_row_is_sent_and_counted(settings: Settings, export: Path, stack: Any) -> None:
    told: list[tuple[int, int]] = []
    manifest = import_path(settings, stack.endpoints.kafka_bootstrap, export, None, lambda *one: told.append(one))
    assert (manifest.events, manifest.rejects, manifest.acknowledged) == (3, 1, 4)
    assert manifest.finished
    assert told == [(2, 4), (4, 4)]
    # one listener, one key, one partition
    assert list(manifest.by_partition.values()) == [4]


def test_the_listener_is_the_folder_s_name_unless_one_is_given(settings: Settings, export: Path, stack: Any) -> None:
    import_path(settings, stack.endpoints.kafka_bootstrap, export / "endsong_0.json")
    import_path(settings, stack.endpoints.kafka_bootstrap, export, user="Bob")
    identities = Identities(settings.home)
    assert identities.find("alice") != identities.find("Bob")


def test_each_folder_and_archive_is_a_listener_of_its_own(settings: Settings, tmp_path: Path, stack: Any) -> None:
    everyone = tmp_path / "everyone"
    (everyone / "anna").mkdir(parents=True)
    (everyone / "anna" / "StreamingHistory0.json").write_text(json.dumps([ROW]))
    with zipfile.ZipFile(everyone / "bob.zip", "w") as packed:
        packed.writestr("MyData/StreamingHistory0.json", json.dumps([ROW, ROW]))
    manifest = import_each(settings, stack.endpoints.kafka_bootstrap, everyone)
    assert (manifest.events, manifest.rejects, manifest.acknowledged) == (3, 0, 3)
    identities = Identities(settings.home)
    assert identities.find("anna") != identities.find("bob")


def test_one_broken_export_of_several_stops_all_of_them(settings: Settings, export: Path) -> None:
    (export.parent / "bob.zip").write_bytes(b"PK")
    with pytest.raises(InputError, match=r"bob\.zip is no whole zip archive"):
        import_each(settings, "127.0.0.1:1", export.parent)
    assert not settings.home.exists()


def test_rows_that_name_their_listeners_are_theirs(settings: Settings, tmp_path: Path, stack: Any) -> None:
    event = {"source": "jukebox", "occurred_at": "2024-05-01T10:00:00Z", "content_type": "track", "ms_played": 5}
    rows = [event | {"user": name} for name in ("anna", "bob", "anna")]
    (tmp_path / "events.ndjson").write_text("".join(json.dumps(row) + "\n" for row in rows))
    manifest = import_path(settings, stack.endpoints.kafka_bootstrap, tmp_path / "events.ndjson", "nobody else")
    assert (manifest.events, manifest.rejects) == (3, 0)
    identities = Identities(settings.home)
    assert len({identities.find(name) for name in ("anna", "bob", "nobody else")}) == 3


@pytest.mark.parametrize(
    ("name", "account"),
    [("carl", "carl"), ("carl.zip", "carl"), ("carl/endsong_0.json", "carl"), ("carl/my_data.ZIP", "my_data")],
)
def test_the_account_of_an_export_that_nobody_named(tmp_path: Path, name: str, account: str) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.touch() if path.suffix else path.mkdir()
    assert folder_name(path) == account


def test_a_broken_file_stops_the_import_before_anything_is_sent(settings: Settings, export: Path) -> None:
    (export / "endsong_1.json").write_text('[{"ts": "2022-')
    with pytest.raises(InputError, match=r"endsong_1\.json is no whole JSON file"):
        import_path(settings, "127.0.0.1:1", export)
    assert not settings.home.exists()


def test_the_command_says_what_it_did_and_never_who(
    settings: Settings,
    export: Path,
    stack: Any,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("TONEARM_HOME", str(settings.home))
    monkeypatch.setenv("TONEARM_PLAYBACK_TOPIC", settings.playback_topic)
    monkeypatch.setenv("TONEARM_KAFKA_BOOTSTRAP", stack.endpoints.kafka_bootstrap)
    assert run(["import", str(export), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["events"], told["rejects"], told["acknowledged"]) == (3, 1, 4)
    assert run(["import", str(export)]) == 0
    out = capsys.readouterr().out
    assert out.startswith(
        f"Imported 3 playbacks and 1 unreadable rows into 1 partition of {settings.playback_topic} in"
    )
    journals = "".join(path.read_text() for path in (settings.home / "manifests").iterdir())
    assert "alice" not in out + json.dumps(told) + journals
    assert len(read_manifests(settings.home)) == 2


def test_a_name_for_all_of_several_listeners_is_refused(export: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["import", str(export.parent), "--each", "--user", "anna"]) == 1
    assert capsys.readouterr().err == "With --each the listeners are named by their folders: leave --user out.\n"


def test_a_wrong_path_is_one_sentence_and_status_1(
    tmp_path: Path, stack: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TONEARM_KAFKA_BOOTSTRAP", stack.endpoints.kafka_bootstrap)
    missing = tmp_path / "missing"
    assert run(["import", str(missing)]) == 1
    assert capsys.readouterr().err == f"There is no {missing}: give the folder of an export, or one of its files.\n"
