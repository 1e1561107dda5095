"""Each guard switched off in turn makes the test red that holds its property."""

import os
import re
import subprocess
import sys
from typing import Any

import pytest

from infra.settings import REPOSITORY
from tests.end_to_end.faults.switched_off import GUARD, GUARDS, STACK

WRONG = "AssertionError|assert |Failed: DID NOT RAISE"

pytestmark = [pytest.mark.nightly, pytest.mark.timeout(1800)]


def run_tests(stack: Any, guard: str, *tests: str) -> "subprocess.CompletedProcess[str]":
    """Run tests in a session of their own, on the stack of this one, with that guard switched off."""
    plugin = ["-p", "tests.end_to_end.faults.switched_off"]
    own = {GUARD: guard, STACK: str(stack.settings.home.resolve()), "COLUMNS": "400"}
    command = [sys.executable, "-m", "pytest", "-q", "--tb=line", "--timeout=900", *plugin, *tests]
    return subprocess.run(command, cwd=REPOSITORY, env=os.environ | own, capture_output=True, text=True, check=False)


def test_with_every_guard_on_these_tests_pass(stack: Any) -> None:
    tests = {guard.test for guard in GUARDS.values()}
    done = run_tests(stack, "", *sorted(tests))
    assert done.returncode == 0, done.stdout
    assert f"{len(tests)} passed" in done.stdout


@pytest.mark.parametrize("guard", GUARDS)
def test_without_the_guard_its_test_fails(guard: str, stack: Any) -> None:
    """By what it asserts, and not by an error of another kind."""
    done = run_tests(stack, guard, GUARDS[guard].test)
    assert (done.returncode, "1 failed" in done.stdout) == (1, True), done.stdout
    assert re.search(rf"^FAILED .* - ({WRONG})", done.stdout, re.MULTILINE), done.stdout
