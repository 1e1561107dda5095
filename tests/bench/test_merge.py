"""How well plays of one playback are found, against the answer key of a history in which many are told of twice."""

from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from bench.data import world_of
from bench.merge import agreement_with, play_to
from playback.merging import by_date
from playback.simulator.parameters import TWO_SOURCES, TYPICAL, Faults
from truth.agreement import Agreement

COUNT = 20_000


def judged(folder: Path, faults: Faults) -> Agreement:
    plays = play_to(world_of(COUNT, faults), folder)
    return agreement_with(folder, pa.concat_tables(by_date(plays)))


@pytest.mark.parametrize(
    "faults", [TWO_SOURCES, replace(TWO_SOURCES, told_twice=0.5, loops=1.0)], ids=["two sources", "nothing but loops"]
)
def test_what_is_merged_is_one_playback_and_what_is_one_playback_is_merged(faults: Faults, tmp_path: Path) -> None:
    found = judged(tmp_path, faults)

    assert found.expected > 0.08 * COUNT
    assert found.precision >= 0.99
    assert found.recall >= 0.95


def test_where_nothing_is_told_of_twice_nothing_is_merged(tmp_path: Path) -> None:
    assert judged(tmp_path, replace(TYPICAL, cross_device=0.05)) == Agreement(expected=0, merged=0, right=0)


def test_merges_count_as_right_whichever_of_the_two_is_kept(tmp_path: Path) -> None:
    plays = play_to(world_of(COUNT, TWO_SOURCES), tmp_path)
    merged = pa.concat_tables(by_date(plays)).slice(0, 100)
    turned = merged.select(["kept_event_id", "event_id"]).rename_columns(["event_id", "kept_event_id"])
    wrong = merged.set_column(0, "event_id", pc.binary_join_element_wise(merged["event_id"], "x", ""))

    one, other = (agreement_with(tmp_path, rows) for rows in (merged, turned))

    assert one == other
    assert one.right == one.merged == 100
    assert agreement_with(tmp_path, wrong).right == 0
