"""The command line: errors are one sentence and an exit status, and JSON is nothing but JSON."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from schemas.errors import ConfigurationError, StoreUnavailableError
from tonearm import app
from tonearm.commands import stack as stack_commands


def test_status_of_nothing_as_json(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert app.run(["status", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["tables"] == []
    assert {service["name"]: service["state"] for service in found["services"]} == {
        "kafka": "stopped",
        "cassandra": "stopped",
        "bigquery": "stopped",
    }
    assert not home.exists()  # asking leaves nothing behind


@pytest.mark.parametrize(("error", "exit_status"), [(ConfigurationError, 1), (StoreUnavailableError, 75)])
def test_a_deliberate_error_is_a_sentence_on_stderr(
    error: type[Exception],
    exit_status: int,
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail(as_json: bool = False) -> None:
        raise error("The [broker] is away: start it.")

    monkeypatch.setattr(stack_commands, "status", fail)
    assert app.run(["status", "--as-json"]) == exit_status
    said = capsys.readouterr()
    assert said.err == "The [broker] is away: start it.\n"
    assert said.out == ""


def test_wrong_usage_is_status_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert app.run(["no-such-command"]) == 2
    assert "no-such-command" in capsys.readouterr().err


def test_down_of_nothing_says_so(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert app.run(["down"]) == 0
    assert "was not running" in capsys.readouterr().err


def test_help_imports_no_engine_and_no_client() -> None:
    # what the interpreter itself imports at its start (namespaces of installed distributions) is not ours
    code = (
        "import sys; before = set(sys.modules); import tonearm.app; tonearm.app.build_app(); "
        "print(*{name.split('.')[0] for name in set(sys.modules) - before})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {"pyspark", "pysail", "pandas", "pyarrow", "google", "cassandra", "confluent_kafka", "kafka", "pydantic"}
    assert not set(done.stdout.split()) & heavy
