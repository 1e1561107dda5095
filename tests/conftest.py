"""What every test can ask for: settings of its own, one local stack for the session, and the Apache Spark half."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import settings as hypothesis_settings

from infra.local.java import machine_java
from infra.local.stack import Endpoints, local_stack
from infra.settings import REPOSITORY, Settings

os.environ.setdefault("HYPOTHESIS_STORAGE_DIRECTORY", str(REPOSITORY / ".tonearm" / "cache" / "hypothesis"))
hypothesis_settings.register_profile("tonearm", deadline=None, derandomize="CI" in os.environ)
hypothesis_settings.load_profile("tonearm")

NO_SPARK = (
    "Apache Spark needs a full Java 17 with jdk.incubator.vector on JAVA_HOME or PATH "
    "(Debian and Ubuntu: apt-get install openjdk-17-jdk-headless)"
)


@dataclass(frozen=True)
class Stack:
    """The session's local stack: settings whose home it runs in, and where its stores are."""

    settings: Settings
    endpoints: Endpoints


def pytest_configure() -> None:
    """Keep the settings of whoever runs the tests out of them; where the toolchain lies is no setting of a test."""
    for name in [name for name in os.environ if name.startswith("TONEARM_") and name != "TONEARM_TOOLCHAIN"]:
        del os.environ[name]


@pytest.hookimpl(tryfirst=True)  # before what is nightly is left out
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Make the Spark half of what is marked `slow_on_spark` nightly."""
    for item in items:
        if item.get_closest_marker("slow_on_spark") and item.get_closest_marker("spark"):
            item.add_marker(pytest.mark.nightly)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip the Spark half loudly where it cannot run; in continuous integration that is an error."""
    if item.get_closest_marker("spark") is None:
        return
    java = machine_java()
    if java is None or not java.is_full:
        if os.environ.get("CI"):
            pytest.fail(NO_SPARK, pytrace=False)
        pytest.skip(NO_SPARK)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings with a home that is the test's own; nothing runs there."""
    return Settings(home=tmp_path / "home")


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """One local stack for the whole session, started by the first test that asks for it.

    Tests share it: give topics, datasets and keyspaces names of the test's own.
    """
    settings = Settings(home=tmp_path_factory.mktemp("stack"))
    with local_stack(settings) as endpoints:
        yield Stack(settings, endpoints)


@pytest.fixture(scope="module")
def tell(request: pytest.FixtureRequest) -> Callable[[object], None]:
    """Print a count where whoever runs the tests sees it, which is not where tests print."""
    plugins = request.config.pluginmanager

    def line(count: object) -> None:
        with plugins.getplugin("capturemanager").global_and_fixture_disabled():
            plugins.getplugin("terminalreporter").write_line(f"\n{count}")

    return line
