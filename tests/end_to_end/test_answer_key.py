"""A simulated service in which everything goes wrong: every gold table is what the answer key says."""

from collections.abc import Callable
from typing import Any

import pyarrow.parquet as pq
import pytest

from playback.simulator.malformed import KINDS
from playback.simulator.parameters import TYPICAL
from schemas import catalog
from tonearm.simulation import simulate, simulation_of, truth_folder
from tonearm.verification import verify

FAST = pytest.param((4, "sail"), id="sail-4")
SLOW = [
    pytest.param(
        (seed, engine),
        id=f"{engine}-{seed}",
        marks=[pytest.mark.nightly, *([pytest.mark.spark] if engine == "spark" else [])],
    )
    for seed in (5, 6, 7)
    for engine in ("sail", "spark")
]


@pytest.fixture(scope="module", params=[FAST, *SLOW])
def chaos(request: pytest.FixtureRequest, deployment: Callable[..., Any]) -> Any:
    """A deployment that has processed a history with all faults. Only read it."""
    seed, engine = request.param
    made = deployment(engine=engine)
    played = simulation_of(made.settings.home, TYPICAL, events=100_000, days=14, seed=seed)
    assert simulate(made.settings, made.endpoints.kafka_bootstrap, played) is not None
    assert made.run().sheet.adds_up
    return made


def test_every_fault_was_played_and_every_kind_of_bad_message(chaos: Any) -> None:
    log = pq.read_table(truth_folder(chaos.settings.home) / "log.parquet", columns=["fault"])
    assert len(KINDS) >= 25
    assert {kind.name for kind in KINDS} <= set(log["fault"].to_pylist())


def test_every_gold_table_is_what_the_answer_key_says(chaos: Any) -> None:
    verdicts = verify(chaos.settings, truth_folder(chaos.settings.home))
    assert {table.full_name for table in catalog.tables().values() if table.layer == "gold"} <= {
        verdict.table for verdict in verdicts
    }
    assert [verdict for verdict in verdicts if not verdict.equal] == []
