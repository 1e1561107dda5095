"""Prism comes from Go: the machine's, else a wheel's, and of the committed source. `go` is a script here but once."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from infra.local.setup import environments, prism
from infra.local.setup.toolchain import REPOSITORY, REQUIREMENTS, Toolchain
from schemas.errors import ConfigurationError

GO = """#!/bin/sh
echo "$GOTOOLCHAIN $CGO_ENABLED $0 $*" >> {log}
case "$1" in
env) echo {version} ;;
mod)
    mkdir -p "{module}" && cp -r {source}/. {module}
    echo '{{"Sum": "{sum}", "Dir": "{module}"}}' ;;
build) mkdir -p "$(dirname "$6")" && cat "$3/{internal}/jobservices/server.go" "$3/{internal}/stage.go" > "$6" ;;
esac
"""
LISTENER = 'lis, err := net.Listen("tcp", fmt.Sprintf(":%d", port))\n'
STAGE = "\t\tselect {\n\t\tcase <-dataReady:\n\t\t\tdataFinished = true\n"
BUILT = 'lis, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))\n' + (
    "\t\tselect {\n\t\tcase <-dataReady:\n\t\t\tdataReady = nil\n\t\t\tdataFinished = true\n"
)
REAL = """
import sys
from pathlib import Path
from infra.local.setup.prism import _wheel_go
from infra.local.setup.toolchain import Toolchain
root, cache, work = map(Path, sys.argv[1:])
print(_wheel_go(Toolchain(root, cache), work))
"""
MakeGo = Callable[..., Path]


@pytest.fixture
def toolchain(tmp_path: Path) -> Toolchain:
    return Toolchain(tmp_path / "toolchain", tmp_path / "cache")


@pytest.fixture
def make_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MakeGo:
    """A `go` in a folder, which writes down how it is called; by itself the machine has none."""
    monkeypatch.setattr(prism, "_PLACES", (str(tmp_path / "machine" / "go"),))

    def make(folder: Path, version: str = "go1.26.8", sum_of_module: str = prism.SUM) -> Path:
        folder.mkdir(parents=True)
        write_source(tmp_path / "source" / prism.INTERNAL)
        script = GO.format(
            log=tmp_path / "calls", source=tmp_path / "source", module=tmp_path / "module", version=version,
            internal=prism.INTERNAL, sum=sum_of_module,
        )  # fmt: skip
        (folder / "go").write_text(script)
        (folder / "go").chmod(0o755)
        return folder / "go"

    return make


def write_source(internal: Path, listener: str = LISTENER, stage: str = STAGE) -> None:
    (internal / "jobservices").mkdir(parents=True, exist_ok=True)
    (internal / "jobservices" / "server.go").write_text(listener)
    (internal / "stage.go").write_text(stage)


def calls(tmp_path: Path) -> list[str]:
    return (tmp_path / "calls").read_text().splitlines()


def test_the_machines_go_builds_it_once(toolchain: Toolchain, tmp_path: Path, make_go: MakeGo) -> None:
    go = make_go(tmp_path / "machine")
    assert prism.install_prism(toolchain)
    _, download, build = calls(tmp_path)
    assert download == f"local 0 {go} mod download -json {prism.MODULE}@{prism.VERSION}"
    assert build.startswith(f"local 0 {go} build -C ") and build.endswith(" ./go/cmd/prism")
    assert prism.binary(toolchain.root).read_text() == BUILT, "it listens on loopback, and sees once that data is there"
    assert not (toolchain.cache / "go").exists()
    assert not prism.install_prism(toolchain)
    assert len(calls(tmp_path)) == 3


@pytest.mark.parametrize("version", ["go1.25.9", "devel", None], ids=["too old", "unknown", "none"])
def test_without_one_that_is_new_enough_a_wheel_brings_it(
    version: str | None, toolchain: Toolchain, tmp_path: Path, make_go: MakeGo, monkeypatch: pytest.MonkeyPatch
) -> None:
    if version:
        make_go(tmp_path / "machine", version)
    asked: list[Path] = []

    def unpack(_toolchain: Toolchain, lock: Path, target: Path, *, what: str) -> None:
        asked.append(lock)
        make_go(target / "go" / "bin").chmod(0o644)  # as wheels are unpacked
        (target / "go" / "pkg" / "tool" / "linux_amd64").mkdir(parents=True)
        (target / "bin").mkdir()
        (target / "bin" / "go").write_text("#!/usr/bin/env python3\nfrom go import main\n")

    monkeypatch.setattr(environments, "install_wheel", unpack)
    assert prism.install_prism(toolchain)
    assert asked == [REQUIREMENTS / "go.txt"]
    assert prism.binary(toolchain.root).read_text() == BUILT
    used = {line.split()[2] for line in calls(tmp_path)[-2:]}
    assert used == {str(toolchain.cache / "go" / "wheel" / "go" / "bin" / "go")}, "not the script of that name"


def test_without_any_go_one_sentence_says_what_to_install(
    toolchain: Toolchain, make_go: MakeGo, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_toolchain: Toolchain, _lock: Path, _target: Path, *, what: str) -> None:
        raise ConfigurationError(f"Set-up could not {what}; it said: no wheel for this machine.")

    monkeypatch.setattr(environments, "install_wheel", refuse)
    with pytest.raises(ConfigurationError) as refused:
        prism.install_prism(toolchain)
    assert str(refused.value) == (
        "Prism, without which there are no live tables, is built with Go 1.26: install that, since there is no wheel "
        "of it either (no wheel for this machine)."
    )
    assert not prism.binary(toolchain.root).exists()


def test_a_wheel_without_go_in_it_is_said(
    toolchain: Toolchain, make_go: MakeGo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environments, "install_wheel", lambda *_, **__: None)
    with pytest.raises(ConfigurationError, match=r"^The wheel of Go has no `go` in it: install Go 1\.26"):
        prism.install_prism(toolchain)


def test_a_source_with_another_sum_is_not_built(toolchain: Toolchain, tmp_path: Path, make_go: MakeGo) -> None:
    make_go(tmp_path / "machine", sum_of_module=prism.SUM[:-2] + "A=")
    with pytest.raises(ConfigurationError, match="not the committed one: do not trust the source of your Go modules"):
        prism.install_prism(toolchain)
    assert not prism.binary(toolchain.root).exists()
    assert not any(" build " in line for line in calls(tmp_path))


@pytest.mark.parametrize("other", [{"listener": BUILT}, {"stage": STAGE * 2}], ids=["server.go", "stage.go"])
def test_a_source_that_is_not_as_expected_is_not_built(
    other: dict[str, str], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    write_source(tmp_path, **other)
    with pytest.raises(ConfigurationError, match=rf"{request.node.callspec.id} of .* is not as expected"):
        prism.change_source(tmp_path)


@pytest.mark.nightly
def test_the_real_wheel_brings_a_go_that_is_new_enough(toolchain: Toolchain, tmp_path: Path) -> None:
    """70 MB are downloaded. What a real Go builds is what the live pipeline's tests run on."""
    where = [str(Toolchain.from_environment().root), str(toolchain.cache), str(tmp_path)]
    # set-up runs before there is an environment, by a Python that has pip
    words = [sys._base_executable, "-c", REAL, *where]  # type: ignore[attr-defined]
    go = subprocess.run(words, cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout.strip()
    said = subprocess.run([go, "env", "GOVERSION"], capture_output=True, text=True, check=True).stdout
    major, minor = said.removeprefix("go").split(".")[:2]
    assert (int(major), int(minor)) >= prism.OLDEST_GO
