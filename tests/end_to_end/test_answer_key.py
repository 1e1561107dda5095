"""A simulated service in which everything goes wrong: every gold table is what the answer key says.

The tests of one deployment run in their order: what the later ones change is what the earlier ones have looked at.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from jobs.replay import replay, request
from playback.fix_rules import read_rules
from playback.simulator.malformed import KINDS
from playback.simulator.parameters import TWO_SOURCES, TYPICAL
from schemas import catalog
from tonearm.simulation import simulate, simulation_of, truth_folder
from tonearm.verification import merges, verify

# All statistics of a hundred thousand playbacks on a machine that has other work: Apache Spark takes fifteen minutes
# for them where it has none.
pytestmark = pytest.mark.timeout(3_600)

FAST = pytest.param((4, "sail", 50_000), id="sail-4")
"""Seed, engine and playbacks: as few as still have every kind of spoilt message."""
RULES = """
[[rule]]
name = "countries in lower case"
reason = "bad_country"
patch = {upper = ["country"]}

[[rule]]
name = "written with a schema that was never released"
reason = "unknown_fingerprint"
patch = {schema_version = 1}

[[rule]]
name = "something behind the event"
reason = "trailing_bytes"
patch = {drop_trailing = true}
"""
BROUGHT_BACK = ("lower_case_country", "unknown_fingerprint", "trailing_bytes", "two_datums")
"""The kinds of spoilt messages of which these rules make the event that it was."""


def nightly(engine: str) -> list[pytest.MarkDecorator]:
    return [pytest.mark.nightly, *([pytest.mark.spark] if engine == "spark" else [])]


SLOW = [
    pytest.param((seed, engine, 100_000), id=f"{engine}-{seed}", marks=nightly(engine))
    for seed in (5, 6, 7)
    for engine in ("sail", "spark")
]
TOLD_TWICE = [
    pytest.param("sail", False, id="sail"),
    *(pytest.param(engine, True, id=f"{engine}-statistics", marks=nightly(engine)) for engine in ("sail", "spark")),
]
"""Engine, and whether statistics are computed too."""


@pytest.fixture(scope="module", params=[FAST, *SLOW])
def chaos(request: pytest.FixtureRequest, deployment: Callable[..., Any]) -> Any:
    """A deployment that has processed a history with all faults."""
    seed, engine, events = request.param
    made = deployment(engine=engine, statistics=True)
    played = simulation_of(made.settings.home, TYPICAL, events=events, days=14, seed=seed)
    assert simulate(made.settings, made.endpoints.kafka_bootstrap, played) is not None
    assert made.run().sheet.adds_up
    return made


def test_every_fault_was_played_and_every_kind_of_bad_message(chaos: Any) -> None:
    log = pq.read_table(truth_folder(chaos.settings.home) / "log.parquet", columns=["fault"])
    assert len(KINDS) >= 25
    assert {kind.name for kind in KINDS} <= set(log["fault"].to_pylist())


def test_every_gold_table_is_what_the_answer_key_says(chaos: Any) -> None:
    verdicts = verify(chaos.settings, truth_folder(chaos.settings.home))
    # What moved when is the history of the lake, which no log of a simulation has.
    gold = {table.full_name for table in catalog.tables().values() if table.layer == "gold"} - {"gold.restatements"}
    assert gold <= {verdict.table for verdict in verdicts}
    assert [verdict for verdict in verdicts if not verdict.equal] == []


def replayed(chaos: Any, tmp_path: Path) -> int:
    """Bring back what the rules can, leave the rest; returns how many messages that took."""
    (tmp_path / "rules.toml").write_text(RULES)
    asked = request((), read_rules(tmp_path / "rules.toml"), only_valid=True)
    sent = replay(chaos.settings, chaos.endpoints, asked).sent
    assert chaos.run().sheet.adds_up
    return sent


def test_dead_letters_that_come_back_are_counted_as_the_answer_key_says(chaos: Any, tmp_path: Path) -> None:
    sent = replayed(chaos, tmp_path)
    folder = truth_folder(chaos.settings.home)
    log = pq.read_table(folder / "log.parquet", columns=["fault", "message_number"]).to_pylist()
    assert sent == sum(row["fault"] in BROUGHT_BACK and row["message_number"] is not None for row in log) > 20
    assert [verdict for verdict in verify(chaos.settings, folder, BROUGHT_BACK) if not verdict.equal] == []


def test_the_same_replay_again_and_another_run_change_nothing(chaos: Any, tmp_path: Path) -> None:
    before = chaos.versions(), chaos.digests()
    assert replayed(chaos, tmp_path) == 0
    assert (chaos.versions(), chaos.digests()) == before


@pytest.mark.parametrize(("engine", "statistics"), TOLD_TWICE)
def test_where_playbacks_are_told_of_twice_gold_is_what_the_key_says_without_those_that_are_merged(
    deployment: Callable[..., Any], tmp_path: Path, engine: str, statistics: bool
) -> None:
    made = deployment(engine=engine, statistics=statistics)
    played = simulation_of(made.settings.home, TWO_SOURCES, events=20_000, days=14, seed=4)
    assert simulate(made.settings, made.endpoints.kafka_bootstrap, played) is not None
    sheet = made.run().sheet
    folder = truth_folder(made.settings.home)
    found = merges(made.settings, folder)
    assert sheet.adds_up
    assert found is not None
    assert found.right > 1_500
    assert {line.merged for line in sheet.stages if line.merged} == {found.merged}
    assert [verdict for verdict in verify(made.settings, folder) if not verdict.equal] == []

    assert replayed(made, tmp_path) > 10
    after = merges(made.settings, folder, BROUGHT_BACK)
    assert after is not None
    assert after.expected > found.expected
    assert after.precision > 0.99
    assert [verdict for verdict in verify(made.settings, folder, BROUGHT_BACK) if not verdict.equal] == []
