"""A local Airflow as child processes: its API server, scheduler and DAG processor, on loopback, below the home.

Its own all-in-one command would open a log server on all interfaces; so the components are started one by one.
"""

import json
import os
import secrets
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from infra.local.ports import choose_ports
from infra.local.process import run_to_end, start_process, stop_processes, telling_line
from infra.local.supervise import Progress
from infra.settings import REPOSITORY, Settings
from schemas.errors import ConfigurationError, StoreUnavailableError
from schemas.render.tasks import POOL

USER = "admin"
_COMPONENTS = (("api-server",), ("scheduler", "--skip-serve-logs"), ("dag-processor",))
_READY_SECONDS = 180.0
_LOOK_AGAIN_SECONDS = 0.5


@dataclass(frozen=True)
class Airflow:
    """Where it answers, and who may log in."""

    url: str
    user: str
    password: str
    processes: tuple[subprocess.Popen[bytes], ...]

    def check(self) -> None:
        """Raise StoreUnavailableError if a component has ended."""
        for (name, *_), process in zip(_COMPONENTS, self.processes, strict=True):
            if process.poll() is not None:
                raise StoreUnavailableError(f"Airflow's {name} has ended: see logs/airflow-{name}.log in the home.")


@contextmanager
def local_airflow(settings: Settings, on_progress: Progress) -> Iterator[Airflow]:
    """Migrate its database, start the components, wait until they answer, and stop them on exit.

    Raises ConfigurationError where it is not set up, StoreUnavailableError where it does not come up.
    """
    program = settings.toolchain / "airflow" / "bin" / "airflow"
    if not program.is_file():
        raise ConfigurationError(f"Airflow is not in {program.parent.parent}: run `make airflow`, which sets it up.")
    home = settings.home.resolve()
    port = choose_ports("airflow", ["port"], pinned=0, recorded={}, taken=())["port"]
    environment = airflow_environment(settings, port)
    (home / "airflow").mkdir(parents=True, exist_ok=True, mode=0o700)
    with _applied(environment):
        on_progress("airflow", "migrates its database")
        run_to_end([str(program), "db", "migrate"], what="migrate Airflow's database")
        run_to_end([str(program), "pools", "set", POOL, "1", "one writer at a time"], what="make Airflow's pool")
    on_progress("airflow", "starting")
    started: list[subprocess.Popen[bytes]] = []
    try:
        for words in _COMPONENTS:
            log = home / "logs" / f"airflow-{words[0]}.log"
            started.append(start_process([str(program), *words], log=log, env=environment, cwd=home / "airflow"))
        running = Airflow(f"http://127.0.0.1:{port}", USER, "", tuple(started))
        _wait(running, home)
        on_progress("airflow", "ready")
        yield Airflow(running.url, USER, _password(home), running.processes)
    finally:
        stop_processes(_with_children(started))


def airflow_environment(settings: Settings, port: int) -> dict[str, str]:
    """Variables by which `airflow` finds the database and the DAGs of a home, and its parts each other on a port."""
    home = settings.home.resolve()
    folder = home / "airflow"
    own = {
        "AIRFLOW_HOME": str(folder),
        "PYTHONPATH": str(REPOSITORY),
        "TONEARM_HOME": str(home),
        "TONEARM_TOOLCHAIN": str(settings.toolchain.resolve()),
    }
    options = {
        "CORE__DAGS_FOLDER": str(REPOSITORY / "dags"),
        "CORE__LOAD_EXAMPLES": "False",
        "CORE__EXECUTOR": "LocalExecutor",
        "CORE__PARALLELISM": "2",
        "CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{port}/execution/",
        "CORE__SIMPLE_AUTH_MANAGER_USERS": f"{USER}:admin",
        "CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(_passwords(home)),
        "DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{folder / 'airflow.db'}",
        "API__HOST": "127.0.0.1",
        "API__PORT": str(port),
        "API__BASE_URL": f"http://127.0.0.1:{port}",
        "API__WORKERS": "1",
        "API_AUTH__JWT_SECRET": secrets.token_urlsafe(32),
        "SCHEDULER__ENABLE_HEALTH_CHECK": "False",
    }
    return own | {f"AIRFLOW__{name}": value for name, value in options.items()}


@contextmanager
def _applied(environment: dict[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in environment}
    os.environ.update(environment)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


def _wait(running: Airflow, home: Path) -> None:
    until = time.monotonic() + _READY_SECONDS
    while not _is_healthy(running.url):
        running.check()
        if time.monotonic() > until:
            said = telling_line(home / "logs" / "airflow-api-server.log")
            raise StoreUnavailableError(f"Airflow did not become ready in {_READY_SECONDS:.0f} s; it said: {said}")
        time.sleep(_LOOK_AGAIN_SECONDS)


def _is_healthy(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/api/v2/monitor/health", timeout=5) as answer:  # noqa: S310 - loopback
            health = json.load(answer)
    except (urllib.error.URLError, ConnectionError, TimeoutError, ValueError):
        return False
    return all(health[part]["status"] == "healthy" for part in ("metadatabase", "scheduler", "dag_processor"))


def _passwords(home: Path) -> Path:
    return home / "airflow" / "passwords.json"


def _password(home: Path) -> str:
    """The one that Airflow made up at its first start."""
    return str(json.loads(_passwords(home).read_text())[USER])


def _with_children(started: list[subprocess.Popen[bytes]]) -> list[psutil.Process]:
    found: list[psutil.Process] = []
    for one in started:
        if one.poll() is None:
            process = psutil.Process(one.pid)
            found += [process, *process.children(recursive=True)]
    return found
