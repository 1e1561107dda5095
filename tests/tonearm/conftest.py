"""A home of its own for every test of a command."""

from pathlib import Path

import pytest


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the command finds its home; nothing is there yet."""
    monkeypatch.setenv("TONEARM_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def without_statistics(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TONEARM_STATISTICS", "false")
