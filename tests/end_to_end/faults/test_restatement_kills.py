"""Killed while it restates what was over long ago, and run again: every cell is that of an undisturbed run."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from schemas import catalog
from schemas.model import AS_KNOWN_AT
from tests.end_to_end.conftest import STATISTICS
from tests.end_to_end.faults.killing import MUSIC, killed_at

pytestmark = pytest.mark.timeout(1800)

PLACES = (
    "write.committed@gold.listener_sessions",
    "write.prepared@gold.listener_track_days",
    "write.committed@gold.listener_track_days",
    "check.passed@gold.listener_track_days",
    "write.prepared@gold.listener_tops",
    "write.committed@gold.listener_tops",
    "slices.round@gold.listener_tops",
    "write.committed@gold.listener_periods",
    "write.committed@gold.area_tops",
    "slices.round@gold.area_tops",
    "check.recorded@gold.area_periods",
    "write.committed@gold.daily_charts",
    "restatements.written",
    "publish.before_merge@gold.listener_tops/bigquery",
    "publish.after_merge@gold.listener_tops/bigquery",
)
"""In the order in which a run comes by: what is done is not done again by the next one."""
FEW = ("write.committed@gold.listener_track_days", "restatements.written")
_MOMENTS = ("known_at", "known_before", "restated_date", AS_KNOWN_AT.name)


def without_moments(rows: list[dict[str, Any]]) -> list[str]:
    return sorted(repr({name: value for name, value in row.items() if name not in _MOMENTS}) for row in rows)


def cells(made: Any) -> dict[str, Any]:
    """All statistics, in the lake and as analysts read them, and what was restated."""
    published = [name for name in sorted(STATISTICS) if catalog.table(name).warehouse]
    found = {name: made.digests()[name] for name in (*STATISTICS, *MUSIC)}
    found |= {f"{name} in the warehouse": without_moments(made.analysed(name)) for name in published}
    return found | {"restated": without_moments(made.rows("gold.restatements"))}


ROUND_ROWS = 200
"""So few that what is killed computes in rounds what an undisturbed run computes at once."""


@pytest.fixture(scope="module")
def begun(deployment: Callable[..., Any], undisturbed: Any, export: Path, longer_export: Path) -> Callable[..., Any]:
    """Make deployments that have run on an export, and have another one to run on that reaches before and after it."""

    def make(**settings: Any) -> Any:
        made = deployment(like=undisturbed, statistics=True, **settings)
        made.send(export)
        assert made.run().sheet.adds_up
        made.send(longer_export)
        return made

    return make


@pytest.fixture(scope="module")
def expected(begun: Callable[..., Any]) -> dict[str, Any]:
    """What an undisturbed run makes of it."""
    made = begun()
    assert made.run().sheet.adds_up
    found = cells(made)
    assert found["restated"]
    return found


@pytest.mark.parametrize("places", [FEW, pytest.param(PLACES, marks=pytest.mark.nightly)], ids=["few", "all"])
def test_killed_while_it_restates(
    begun: Callable[..., Any], expected: dict[str, Any], nothing: Path, places: tuple[str, ...]
) -> None:
    made = begun(round_rows=ROUND_ROWS)
    for place in places:
        killed_at(made, nothing, place)

    assert made.run().sheet.adds_up
    assert cells(made) == expected


@pytest.mark.nightly
@pytest.mark.parametrize("place", PLACES)
def test_killed_at_each_place_alone(
    begun: Callable[..., Any], expected: dict[str, Any], nothing: Path, place: str
) -> None:
    made = begun(round_rows=ROUND_ROWS)
    killed_at(made, nothing, place)

    assert made.run().sheet.adds_up
    assert cells(made) == expected
