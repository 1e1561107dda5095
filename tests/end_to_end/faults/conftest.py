"""A topic with two exports after each other, and what an undisturbed deployment makes of them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from infra.kafka.offsets import offset_bounds
from jobs.ingest import playback_topic
from tests.end_to_end.faults.killing import State, Twice, view


@pytest.fixture(scope="session")
def nothing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An export without rows: a run with it only finishes what is there."""
    folder = tmp_path_factory.mktemp("nothing")
    (folder / "StreamingHistory0.json").write_text("[]")
    return folder


@pytest.fixture(scope="session")
def twice(deployment: Callable[..., Any], undisturbed: Any, export: Path, longer_export: Path) -> Twice:
    """Both exports sent and computed one after the other without a disturbance. Only read it."""
    made = deployment(like=undisturbed)
    made.send(export)
    topic = playback_topic(made.settings, made.endpoints)
    ends = offset_bounds(topic.consumer, topic.name)
    assert made.run().sheet.adds_up
    first, first_view = State.of(made), view(made)
    known = set((made.settings.home / "manifests").iterdir())
    made.send(longer_export)
    later = [path for path in (made.settings.home / "manifests").iterdir() if path not in known]
    assert made.run().sheet.adds_up
    second = State.of(made)
    assert first.served != second.served
    assert json.dumps(first.served["charts"], default=str) != json.dumps(second.served["charts"], default=str)
    return Twice(made, first, second, ends, later, deployment, [first_view, view(made)])
