"""How far the pipeline is, as one small file says it."""

import json
import time
from pathlib import Path

import pytest

from infra.local.stack import Endpoints
from infra.settings import Settings
from pipelines.progress import read_progress, write_progress
from pipelines.transforms.elements import Changes
from pipelines.transforms.rules import Rules
from tonearm.live_status import live_report, live_status

RULES = Rules(lateness_us=5)


def changes(records: int, letters: int = 0, behind: float = 1.0, caught_up: bool = True) -> Changes:
    passed_us = int((time.time() - behind) * 1e6)
    return Changes(0, passed_us, 60, caught_up=caught_up, offsets={0: 7, 1: 9}, records=records, dead_letters=letters)


def age(home: Path, seconds: float) -> None:
    kept = json.loads((home / "live.json").read_text())
    (home / "live.json").write_text(json.dumps(kept | {"at": kept["at"] - seconds}))


def test_what_was_written_is_read_again(tmp_path: Path) -> None:
    write_progress(tmp_path, 3, RULES, changes(5))
    found = read_progress(tmp_path)
    assert found is not None
    assert (found.run_number, found.marker_us, found.offsets, found.rules) == (3, 60, {0: 7, 1: 9}, RULES)


@pytest.mark.parametrize("text", ["", "{torn", "{}", '{"run_number": 1}'])
def test_a_file_that_cannot_be_read_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "live.json").write_text(text)
    assert read_progress(tmp_path) is None


def test_rates_are_of_what_came_since_the_run_began_to_speak(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    write_progress(tmp_path, 3, RULES, changes(0))
    age(tmp_path, 2)
    write_progress(tmp_path, 3, RULES, changes(100, letters=25))
    found = live_status(settings, Endpoints())
    assert found is not None
    assert found.records_a_second == pytest.approx(50, rel=0.2)
    assert found.dead_letter_rate == pytest.approx(0.25)
    write_progress(tmp_path, 4, RULES, changes(1))
    assert live_status(settings, Endpoints()).records_a_second == 0.0  # type: ignore[union-attr]


def test_a_pipeline_that_has_said_nothing_for_long_is_stopped(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    states = []
    for caught_up in (False, True):
        write_progress(tmp_path, 3, RULES, changes(1, caught_up=caught_up))
        found = live_status(settings, Endpoints())
        states.append(found and found.state)
    age(tmp_path, 31)
    found = live_status(settings, Endpoints())
    states.append(found and found.state)
    assert states == ["catching up", "running", "stopped"]


def test_the_sentence_has_lag_delay_rate_and_share_of_dead_letters(tmp_path: Path) -> None:
    write_progress(tmp_path, 3, RULES, changes(0, behind=2.0))
    found = live_status(Settings(home=tmp_path), Endpoints())
    assert found is not None
    assert found.sentence == (
        "live pipeline running (run 3): 2.0 s behind the clock, 0 records a second, 0.0% dead letters"
    )


def test_where_none_ever_ran_there_is_nothing_to_say(tmp_path: Path) -> None:
    assert live_report(Settings(home=tmp_path), Endpoints()) is None
