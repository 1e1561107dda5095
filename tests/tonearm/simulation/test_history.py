"""The simulation against a real broker: played once, recoverable, one a home."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from infra import failpoints
from infra.kafka.manifests import read_manifests
from infra.kafka.producer import PlaybackProducer
from infra.settings import REPOSITORY, Settings
from playback.simulator.parameters import TYPICAL, Faults, Parameters
from playback.simulator.play import Played, play
from schemas.errors import InputError, StoreUnavailableError
from tests.tonearm.simulation.small_history import SMALL, sent
from tonearm import simulation
from tonearm.answer_key import Key, read_key
from tonearm.app import run
from tonearm.simulation import simulate, simulation_of, truth_folder


def test_the_history_is_played_once(settings: Settings) -> None:
    first = simulate(settings, settings.kafka_bootstrap, simulation_of(settings.home, **SMALL))
    again = simulate(settings, settings.kafka_bootstrap, simulation_of(settings.home, **SMALL))
    assert first is not None
    assert (first.source, first.events, first.acknowledged, first.finished) == ("simulate", 300, 300, True)
    assert again is None
    assert len(sent(settings)) == 300


def test_a_history_that_was_cut_short_is_sent_again_with_the_same_ids(settings: Settings) -> None:
    command = [sys.executable, "-m", "tonearm", "simulate"]
    command += [word for name, value in SMALL.items() for word in (f"--{name}", str(value))]
    died = subprocess.run(
        command, cwd=REPOSITORY, env=os.environ | {failpoints.VARIABLE: "producer.delivered"}, check=False
    )
    assert died.returncode == -signal.SIGKILL
    assert run(["simulate", "--json"]) == 0
    events = sent(settings)
    assert len(events) == 600
    assert len({event["event_id"] for event in events}) == 300
    assert [one.finished for one in read_manifests(settings.home)] == [False, True]


def test_batches_that_were_acknowledged_are_not_sent_again(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sending breaks off after the first of several batches; the key is of all of them."""
    monkeypatch.setattr(simulation, "play", lambda world: small_batches(play(world)))
    sending = PlaybackProducer.send_messages
    given: list[pa.RecordBatch] = []

    def break_off(self: PlaybackProducer, messages: pa.RecordBatch) -> None:
        if given:
            raise StoreUnavailableError("The broker went away.")
        given.append(messages)
        sending(self, messages)

    with monkeypatch.context() as once, pytest.raises(StoreUnavailableError):
        once.setattr(PlaybackProducer, "send_messages", break_off)
        simulate(settings, settings.kafka_bootstrap, simulation_of(settings.home, **SMALL))
    assert read_key(truth_folder(settings.home)) == Key(simulation_of(settings.home).subject, 0, False, False, True)
    assert simulate(settings, settings.kafka_bootstrap, simulation_of(settings.home)) is not None
    events = sent(settings)
    assert len(events) == len({event["event_id"] for event in events}) == 300
    key = read_key(truth_folder(settings.home))
    assert key is not None
    assert (key.complete, key.interrupted, key.messages) == (True, False, 300 + len(installs(events)))


def small_batches(played: Iterator[Played]) -> Iterator[Played]:
    for batch in played:
        for start in range(0, len(batch.messages), 100):
            yield Played(batch.messages.slice(start, 100), batch.log.slice(start, 100))


def installs(events: list[dict[str, Any]]) -> set[str]:
    return {event["install_id"] for event in events}


def test_a_key_that_was_not_finished_is_made_again_without_sending(settings: Settings) -> None:
    simulate(settings, settings.kafka_bootstrap, simulation_of(settings.home, **SMALL))
    shutil.rmtree(truth_folder(settings.home))
    assert simulate(settings, settings.kafka_bootstrap, simulation_of(settings.home)) is None
    key = read_key(truth_folder(settings.home))
    assert key is not None
    assert key.complete
    assert len(sent(settings)) == 300


def test_a_key_that_lacks_the_statistics_is_made_again_when_they_are_asked_for(settings: Settings) -> None:
    without = settings.model_copy(update={"statistics": False})
    simulate(without, settings.kafka_bootstrap, simulation_of(settings.home, **SMALL))
    folder = truth_folder(settings.home)
    assert not (folder / "gold.daily_charts.parquet").exists()
    key = read_key(folder)
    assert simulate(settings, settings.kafka_bootstrap, simulation_of(settings.home)) is None
    assert (folder / "gold.daily_charts.parquet").exists()
    assert key is not None
    assert (key.statistics, read_key(folder)) == (False, replace(key, statistics=True))
    written = (folder / "key.json").stat().st_mtime_ns
    assert simulate(without, settings.kafka_bootstrap, simulation_of(settings.home)) is None
    assert (folder / "key.json").stat().st_mtime_ns == written


def test_a_key_of_before_there_was_a_catalogue_is_made_again_and_the_feed_with_it(settings: Settings) -> None:
    simulate(settings, settings.kafka_bootstrap, simulation_of(settings.home, **SMALL))
    feed, folder = settings.simulated_feed.read_bytes(), truth_folder(settings.home)
    assert settings.feed == settings.simulated_feed
    settings.simulated_feed.unlink()
    (folder / "catalogue.parquet").unlink()
    assert settings.feed is None
    assert simulate(settings, settings.kafka_bootstrap, simulation_of(settings.home)) is None
    assert settings.simulated_feed.read_bytes() == feed
    assert pq.read_metadata(folder / "catalogue.parquet").num_rows == feed.count(b"\n")
    assert len(sent(settings)) == 300


def test_a_feed_that_is_set_goes_before_the_simulations(settings: Settings, tmp_path: Path) -> None:
    settings.home.mkdir(exist_ok=True)
    settings.simulated_feed.write_text("")
    assert settings.model_copy(update={"catalogue_feed": tmp_path}).feed == tmp_path


def test_a_folder_that_cannot_be_written_is_said_before_anything_is_sent(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    assert run(["simulate", "--events", "100", "--truth", str(tmp_path / "file")]) == 1
    assert "The answer key cannot be written to" in capsys.readouterr().err
    assert read_manifests(settings.home) == []
    assert not (settings.home / "simulation.json").exists()


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        ("late=1.01", "The rate of late is no number from 0 to 1: write for instance late=0.01."),
        ("late=-0.5", "The rate of late is no number from 0 to 1: write for instance late=0.01."),
        ("late=nan", "The rate of late is no number from 0 to 1: write for instance late=0.01."),
        ("late", "The rate of late is no number from 0 to 1: write for instance late=0.01."),
        ("lare=0.1", "There is no fault lare; there are: retries, cross_device, out_of_order, late, offline"),
    ],
)
def test_a_fault_that_cannot_be(
    settings: Settings, fault: str, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["simulate", "--fault", fault]) == 1
    assert sentence in capsys.readouterr().err.replace("\n", " ")
    assert read_manifests(settings.home) == []


def test_a_home_keeps_the_rates_it_was_begun_with(settings: Settings) -> None:
    simulate(settings, settings.kafka_bootstrap, simulation_of(settings.home, Faults(late=0.5), **SMALL))
    assert simulation_of(settings.home).parameters.faults == Faults(late=0.5)
    with pytest.raises(InputError, match=r"days 3, late 0\.5: leave these options out"):
        simulation_of(settings.home, TYPICAL)


def test_the_history_ends_with_yesterday(settings: Settings) -> None:
    anchor = simulation_of(settings.home).anchor
    today = datetime.now(UTC)
    assert (anchor.date(), anchor.time()) in {(today.date(), datetime.min.time())}


def test_a_home_has_one_simulation(settings: Settings) -> None:
    simulate(settings, settings.kafka_bootstrap, simulation_of(settings.home, **SMALL))
    assert simulation_of(settings.home).parameters == Parameters(**SMALL)
    assert simulation_of(settings.home, seed=5).parameters == Parameters(**SMALL)
    with pytest.raises(InputError) as error:
        simulation_of(settings.home, events=301)
    assert str(error.value) == (
        "This home has a simulation already, with seed 5, listeners 20, events 300, days 3: leave these options out, "
        "or use another home (TONEARM_HOME)."
    )


def test_a_size_that_cannot_be_played_is_refused_and_not_kept(settings: Settings) -> None:
    with pytest.raises(InputError, match="1 listeners cannot play 99999 tracks in 1 days"):
        simulate(settings, settings.kafka_bootstrap, simulation_of(settings.home, listeners=1, events=99_999, days=1))
    assert simulation_of(settings.home, **SMALL).parameters == Parameters(**SMALL)


def test_a_damaged_file_is_named(settings: Settings) -> None:
    (settings.home / "simulation.json").write_text('{"parameters": {}')
    with pytest.raises(InputError, match=r"simulation\.json is damaged"):
        simulation_of(settings.home)
