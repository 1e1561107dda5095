"""Which Prism runs: the one that set-up has built, else the one that options name, by Beam's own means."""

import io
import os
import platform
import socket
import zipfile
from pathlib import Path
from urllib.error import URLError

import pytest
from apache_beam.runners.portability import prism_runner

from infra.local.setup.prism import binary
from infra.settings import Settings
from pipelines.options import LiveOptions
from pipelines.prism import local_prism, program
from schemas.errors import ConfigurationError

RELEASE = "--prism_beam_version_override=v2.77.0"


@pytest.fixture
def bare(settings: Settings, tmp_path: Path) -> Settings:
    """Settings of a toolchain in which nothing is."""
    return settings.model_copy(update={"toolchain": tmp_path / "toolchain"})


def zipped(name: str, content: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as into:
        into.writestr(name, content)
    return packed.getvalue()


def test_the_one_that_set_up_has_built_is_taken(settings: Settings) -> None:
    assert program(settings, LiveOptions.read([])) == binary(settings.toolchain.resolve())


def test_without_one_a_sentence_names_every_way_to_get_one(bare: Settings) -> None:
    with pytest.raises(ConfigurationError) as refused:
        program(bare, LiveOptions.read([]))
    assert str(refused.value) == (
        "There is no Prism, which runs the live pipeline: `make setup` builds it, with Go 1.26 of the machine or from "
        "a wheel; else name another --runner, or let Beam bring one with --prism_location=… (docs/live.md)."
    )


def test_a_zip_that_is_named_is_unpacked_and_runs(settings: Settings, bare: Settings, tmp_path: Path) -> None:
    """With the real program in it, as a release has it."""
    (tmp_path / "prism-here.zip").write_bytes(zipped("prism-here", binary(settings.toolchain.resolve()).read_bytes()))
    bare.home.mkdir()
    options = LiveOptions.read([f"--prism_location={tmp_path / 'prism-here.zip'}"])
    with local_prism(bare, options) as address:
        host, _, port = address.partition(":")
        socket.create_connection((host, int(port)), timeout=5).close()
    assert program(bare, options) == tmp_path / "toolchain" / "prism" / "downloaded" / "prism-here"


def test_a_release_that_is_named_is_downloaded_once(bare: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    name = f"apache_beam-v2.77.0-prism-{platform.system().lower()}-amd64"

    def answer(url: str) -> io.BytesIO:
        asked.append(url)
        return io.BytesIO(zipped(name, b"#!/bin/sh\n"))

    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(prism_runner, "urlopen", answer)
    for _ in range(2):
        found = program(bare, LiveOptions.read([RELEASE]))
        assert found.read_bytes() == b"#!/bin/sh\n"
        assert os.access(found, os.X_OK)
        assert found.is_relative_to(bare.toolchain)
    assert [url.rpartition("/")[2] for url in asked] == [f"{name}.zip"]


@pytest.mark.parametrize("word", [RELEASE, "--prism_location=/nowhere/prism", "--prism_location=/dev"])
def test_one_that_cannot_be_had_is_one_sentence(word: str, bare: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_url: str) -> io.BytesIO:
        raise URLError("no route")

    monkeypatch.setattr(prism_runner, "urlopen", refuse)
    with pytest.raises(ConfigurationError) as refused:
        program(bare, LiveOptions.read([word]))
    said = str(refused.value)
    assert said.startswith("Beam cannot bring the Prism that --prism_location or --prism_beam_version_override names (")
    assert said.endswith("): correct the option, or leave it out and run `make setup`, which builds one.")
