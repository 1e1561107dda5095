"""Lives of the live pipeline, as the log for programs has them."""

import json
import sys
import time

import pytest

from infra.run_log import LOG
from infra.settings import Settings
from pipelines.supervisor import Supervisor


def test_a_life_that_ends_with_an_error_is_told_with_its_status(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In place of the pipeline a program that fails at once."""
    monkeypatch.setattr(sys, "executable", "/bin/false")
    supervisor = Supervisor(settings, [])
    supervisor.start()
    deadline = time.monotonic() + 30
    while not supervisor.ended and time.monotonic() < deadline:
        time.sleep(0.05)
    supervisor.stop()
    began, ended = [json.loads(line) for line in (settings.home / LOG).read_text().splitlines()]
    assert (began["event"], began["command"], began["life"]) == ("life began", "live", 1)
    assert (ended["event"], ended["life"], ended["status"], ended["level"]) == ("life ended", 1, 1, "error")
