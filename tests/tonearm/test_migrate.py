"""`tonearm migrate`, what it prints; what it does is in tests/end_to_end/test_migration.py."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from schemas import drift
from schemas.drift import Change
from tonearm.app import run

WAITING = Change("lake", "gold.days", drift.ADDED_NULLABLE, "mood")
ACCEPTED = Change("lake", "gold.days", drift.DESCRIBED)
REFUSED = Change("lake", "gold.weeks", drift.KEY_CHANGED, "a to b")


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., None]:
    """Let these changes be what a migration finds, without a stack."""
    monkeypatch.setenv("TONEARM_HOME", str(tmp_path))

    def find(*changes: Change) -> None:
        monkeypatch.setattr("infra.local.stack.endpoints", lambda *_: None)
        monkeypatch.setattr("jobs.migration.migrate", lambda *_: list(changes))

    return find


def test_without_its_servers_it_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TONEARM_HOME", str(tmp_path))
    assert run(["migrate"]) == 75
    captured = capsys.readouterr()
    assert (captured.out, "The local stack is not running" in captured.err) == ("", True)


@pytest.mark.parametrize("changes", [(), (ACCEPTED,)])
def test_where_nothing_is_to_be_done_it_says_so(
    changes: tuple[Change, ...], found: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    found(*changes)
    assert run(["migrate"]) == 0
    assert capsys.readouterr().out == "There is nothing to migrate.\n"


@pytest.mark.parametrize(("options", "verdict"), [((), "migrated"), (("--dry-run",), "to migrate")])
def test_each_change_is_a_line_with_what_became_of_it(
    options: tuple[str, ...], verdict: str, found: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    found(WAITING, ACCEPTED)
    assert run(["migrate", *options]) == 0
    _, line, _ = capsys.readouterr().out.splitlines()
    assert line.split("  ")[0] == "gold.days"
    assert line.rstrip().endswith(f"mood  {verdict}")


def test_a_refusal_is_shown_with_the_rest_and_ends_in_its_sentence(
    found: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    found(WAITING, REFUSED)
    assert run(["migrate", "--json"]) == 1
    captured = capsys.readouterr()
    printed = json.loads(captured.out)
    assert not printed["migrated"]
    assert [(one["table"], one["verdict"], bool(one["instead"])) for one in printed["changes"]] == [
        ("gold.days", "migrate", False),
        ("gold.weeks", "refused", True),
    ]
    assert captured.err.startswith("What is stored does not fit the declarations, and nothing was changed: gold.weeks")
    assert captured.err.rstrip().endswith("declare a table of another name beside it.")


def test_a_refused_plan_promises_nothing(found: Callable[..., None], capsys: pytest.CaptureFixture[str]) -> None:
    found(WAITING, REFUSED)
    assert run(["migrate", "--dry-run"]) == 1
    assert "migrated" not in capsys.readouterr().out
