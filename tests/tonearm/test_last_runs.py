"""What a command that computes or publishes leaves behind of its end, also when it could not begin."""

from pathlib import Path

import pytest

from infra.run_log import last_runs
from tonearm.app import run


@pytest.mark.parametrize(
    "words",
    [["ingest"], ["publish", "gold.country_charts"], ["rollback", "gold.country_charts"], ["maintain"]],
    ids=" ".join,
)
def test_without_its_stores_it_can_be_tried_again(home: Path, words: list[str]) -> None:
    assert run(words) == 75
    (one,) = last_runs(home)
    assert [one.command, *([one.table] if one.table else [])] == words
    assert (one.status, one.succeeded_at) == (75, None)


@pytest.mark.parametrize(
    "words", [["publish", "gold.no_such"], ["rollback", "gold.no_such"], ["maintain", "--dry-run"]], ids=" ".join
)
def test_what_is_no_run_leaves_nothing(home: Path, words: list[str]) -> None:
    """A name that is not declared would be a label that nobody bounds."""
    assert run(words) > 0
    assert last_runs(home) == []
