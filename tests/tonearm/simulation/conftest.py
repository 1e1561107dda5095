"""A home and a topic of the test's own, on the broker of the session's stack."""

import uuid
from pathlib import Path
from typing import Any

import pytest

from infra.settings import Settings


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stack: Any) -> Settings:
    """A home and a topic of the test's own, in the environment too."""
    monkeypatch.setenv("TONEARM_HOME", str(tmp_path))
    monkeypatch.setenv("TONEARM_PLAYBACK_TOPIC", f"simulation-{uuid.uuid4().hex[:8]}")
    monkeypatch.setenv("TONEARM_PLAYBACK_PARTITIONS", "1")
    monkeypatch.setenv("TONEARM_KAFKA_BOOTSTRAP", stack.endpoints.kafka_bootstrap)
    return Settings()
