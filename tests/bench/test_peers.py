"""What peers need is held to what is committed, and one that cannot be had does not keep the others away."""

import sys
from pathlib import Path

import pytest

from bench import peers
from infra.local.setup.jars import Bundle
from schemas.errors import ConfigurationError


@pytest.mark.parametrize("bundle", [peers.FLINK, peers.KAFKA_STREAMS, peers.SPARK], ids=lambda bundle: bundle.name)
def test_every_jar_that_is_asked_for_has_a_committed_sum(bundle: Bundle) -> None:
    committed = {line.split()[1] for line in bundle.sums.read_text().splitlines()}
    asked = {"{1}-{2}.jar".format(*module.split(":")) for module in bundle.modules}
    assert asked <= committed


def test_a_peer_that_cannot_be_had_is_said_and_the_others_are_prepared(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    prepared: list[str] = []

    def environment(_toolchain: object, folder: Path, lock: Path) -> None:
        if folder.name == "bytewax":
            raise ConfigurationError("no such wheel.")
        assert lock.is_file()
        prepared.append(folder.name)

    monkeypatch.setattr(peers, "make_environment", environment)
    monkeypatch.setattr(peers, "_jars", lambda _toolchain, bundle, *_: prepared.append(bundle.name))
    monkeypatch.setattr(peers, "_java", lambda _toolchain, bundle, *_: prepared.append(bundle.name))
    monkeypatch.setattr(sys, "argv", ["peers", str(tmp_path / "there")])

    peers.main()

    said = capsys.readouterr()
    assert prepared == ["quix", "spark-kafka", "flink-sql", "kafka-streams"]
    assert said.err == "There is no bytewax: no such wheel.\n"
    assert said.out.splitlines() == ["quix is ready", "spark is ready", "flink is ready", "kafka_streams is ready"]
