"""The parts of set-up and stack that need no server."""

import hashlib
import os
import socket
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest

from infra.local.ports import choose_ports
from infra.local.process import answering, telling_line
from infra.local.record import ProcessId, ServiceRecord, read_record, write_record
from infra.local.setup.jars import BUNDLES, FLINK, verify
from infra.local.setup.toolchain import Toolchain, fingerprint
from schemas.errors import ConfigurationError, StoreUnavailableError

RECORD = ServiceRecord("kafka", {"port": 20001, "controller_port": 20002}, "kafka.log", "data")


def test_a_process_is_known_by_its_start_too() -> None:
    me = ProcessId.of(os.getpid())
    assert me.find() is not None
    assert replace(me, create_time=me.create_time - 60).find() is None


def test_a_record_survives_the_disk(tmp_path: Path) -> None:
    running = replace(RECORD, process=ProcessId.of(os.getpid()), owner=ProcessId.of(os.getppid()), ready=True)
    write_record(tmp_path, running)
    assert read_record(tmp_path, "kafka") == running
    (tmp_path / "stack" / "kafka.json").write_text("{torn")
    assert read_record(tmp_path, "kafka") is None


def test_recorded_ports_come_back_unless_someone_took_them() -> None:
    names = ("port", "other_port")
    first = choose_ports("kafka", names, pinned=0, recorded={}, taken=())
    assert choose_ports("kafka", names, pinned=0, recorded=first, taken=()) == first
    with socket.create_server(("127.0.0.1", first["port"])):
        second = choose_ports("kafka", names, pinned=0, recorded=first, taken=())
    assert second["port"] != first["port"]
    assert second["other_port"] == first["other_port"]
    assert choose_ports("kafka", names, pinned=0, recorded=first, taken={first["port"]})["port"] != first["port"]


@pytest.mark.parametrize(
    ("log", "line"),
    [
        ("starting\nERROR no space left on device\n\tat java.io.File\nbye\n", "ERROR no space left on device"),
        ("starting\nstill starting\n", "still starting"),
        ("", "nothing"),
    ],
)
def test_the_telling_line_of_a_log(tmp_path: Path, log: str, line: str) -> None:
    (tmp_path / "x.log").write_text(log)
    assert telling_line(tmp_path / "x.log") == line


def test_what_is_installed_is_compiled_so_that_no_process_has_to_do_it() -> None:
    found = find_spec("great_expectations")
    assert found is not None
    assert found.cached is not None
    assert Path(found.cached).exists()


def test_a_server_that_ends_before_it_answers_is_explained_from_its_log(tmp_path: Path) -> None:
    port = choose_ports("x", ["port"], pinned=0, recorded={}, taken=())["port"]
    command = ["/bin/sh", "-c", "echo cannot begin; exit 1"]
    given = {"port": port, "log": tmp_path / "x.log", "cwd": tmp_path, "seconds": 30.0}
    explained = pytest.raises(StoreUnavailableError, match=r"^X did not start: cannot begin \(log: ")
    with explained, answering("X", command, **given):
        pytest.fail("it never answered")


def test_jars_are_held_to_their_sums(tmp_path: Path) -> None:
    jars, sums = tmp_path / "jars", tmp_path / "x.sha256"
    jars.mkdir()
    (jars / "a.jar").write_bytes(b"a")
    sums.write_text(f"{hashlib.sha256(b'a').hexdigest()}  a.jar\n")
    verify(jars, sums)
    (jars / "b.jar").write_bytes(b"b")
    with pytest.raises(ConfigurationError, match=r"b\.jar differ or are missing"):
        verify(jars, sums)
    (jars / "b.jar").unlink()
    (jars / "a.jar").write_bytes(b"changed")
    with pytest.raises(ConfigurationError, match=r"a\.jar"):
        verify(jars, sums)


@pytest.mark.parametrize("bundle", (*BUNDLES, FLINK), ids=lambda bundle: bundle.name)
def test_every_bundle_has_sums_for_what_it_asks_for(bundle) -> None:
    sums = bundle.sums.read_text()
    for module in bundle.modules:
        _, name, revision = module.split(":")
        assert f"  {name}-{revision}.jar\n" in sums


def test_a_part_is_current_until_its_inputs_change_or_it_was_interrupted(tmp_path: Path) -> None:
    toolchain = Toolchain(tmp_path, tmp_path / "cache")
    lock = tmp_path / "lock.txt"
    lock.write_text("one==1")
    before = fingerprint(lock)
    toolchain.begin("part")
    assert not toolchain.is_current("part", before)
    toolchain.complete("part", before)
    assert toolchain.is_current("part", before)
    lock.write_text("one==2")
    assert not toolchain.is_current("part", fingerprint(lock))
    toolchain.begin("part")
    assert not toolchain.is_current("part", before)
