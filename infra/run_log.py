"""What runs tell programs: events as lines of JSON in the home, and how each command ended last.

`logs/run.jsonl` gets an event when a run begins and ends, and for each table written, check that does not hold and
publication; each has the run's id, command and UTC date. People read standard error, which says what it always said.
`runs/` keeps one small file for each command (and its table), so that metrics need not read the log.

Neither holds values of rows or what a user pointed at: of errors that quote such things only the kind is told. Who only
looks on must not stop a run: what cannot be written is left out.
"""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import structlog

from infra.check_results import CheckResult
from infra.disk_space import full_disk
from infra.lake import Lake
from infra.replace_file import replace_file
from infra.settings import Settings
from schemas.errors import CheckFailedError, InputError, TonearmError
from schemas.model import Table

LOG = Path("logs") / "run.jsonl"
"""Where events lie below the home; what came before the last `MOST_BYTES` and more is in `run.jsonl.1`, then gone."""

MOST_BYTES = 5 << 20
INTERRUPTED = 130
_QUOTING = (InputError, CheckFailedError)
"""Their sentences may quote a folder that is named after a listener, or a track's names as the key of a row."""


@dataclass(frozen=True)
class LastRun:
    """How a command (for a table, where it is about one) ended last; times in seconds since 1970, UTC.

    `status` is its exit status. `refreshed`: when each table was last brought up to date by this command, or found to
    be, also in runs before; `succeeded_at` is None where it never succeeded.
    """

    command: str
    table: str
    run_id: str
    ended_at: float
    seconds: float
    status: int
    succeeded_at: float | None
    refreshed: dict[str, float]


@dataclass
class _Run:
    run_id: str
    log: Any
    refreshed: dict[str, float] = field(default_factory=dict)


_RUN: ContextVar[_Run | None] = ContextVar("run", default=None)


def logger(home: Path) -> Any:
    """A structlog logger that appends to the home's log; a program binds what all of its events share."""
    return structlog.wrap_logger(
        _Lines(home.resolve() / LOG),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(default=str),
        ],
    )


@contextmanager
def running(settings: Settings, command: str, table: str = "", **about: Any) -> Iterator[None]:
    """Around one run of a command: logs its begin (with what it is `about`) and end, and remembers how it ended."""
    began, run_id = time.time(), str(uuid4())
    settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)
    own = {"table": table} if table else {}
    log = logger(settings.home).bind(run_id=run_id, command=command, date=f"{datetime.now(UTC):%Y-%m-%d}")
    run = _Run(run_id, log)
    token = _RUN.set(run)
    log.info("run started", engine=settings.engine, **own, **about)
    status, why = 0, dict[str, str]()
    try:
        yield
    except BaseException as error:
        status, why = _ending(error, settings.home)
        raise
    finally:
        _RUN.reset(token)
        seconds = round(time.time() - began, 3)
        tell = log.error if status else log.info
        tell("run ended", status=status, seconds=seconds, **own, **why)
        _remember(settings.home, command, table, run, seconds, status)


def run_id() -> str:
    """The id of the run that is at work here, for others that tell of it; empty where none is."""
    run = _RUN.get()
    return run.run_id if run else ""


@contextmanager
def writing(lake: Lake, table: Table) -> Iterator[None]:
    """Around what brings a table up to date: it is that now, and if it got a new version that is an event."""
    run, before, began = _RUN.get(), lake.version(table), time.monotonic()
    yield
    if run is None:
        return
    run.refreshed[table.full_name] = time.time()
    version = lake.version(table)
    if version != before:
        told = {"version": version, "rows": lake.row_count(table), "seconds": round(time.monotonic() - began, 3)}
        run.log.info("table written", table=table.full_name, **told)


def check_failed(one: CheckResult) -> None:
    """Tell of a check that does not hold, in counts."""
    if (run := _RUN.get()) is None:
        return
    tell = run.log.error if one.severity == "stop" else run.log.warning
    told = {"version": one.table_version, "rows": one.row_count, "unexpected": one.unexpected_count}
    tell("check failed", table=one.checked_table, check=one.check_name, severity=one.severity, **told)


def published(table: str, store: str, **told: Any) -> None:
    """Tell of a publication."""
    if run := _RUN.get():
        run.log.info("published", table=table, store=store, **told)


def last_runs(home: Path) -> list[LastRun]:
    """How each command ended last that ran in this home."""
    found = [_read(file) for file in sorted((home / "runs").glob("[!.]*.json"))]
    return [one for one in found if one]


def _ending(error: BaseException, home: Path) -> tuple[int, dict[str, str]]:
    """The exit status that the error becomes, and what is told of it."""
    if isinstance(error, KeyboardInterrupt):
        return INTERRUPTED, {}
    if isinstance(error, SystemExit):
        return (error.code if isinstance(error.code, int) else int(error.code is not None)), {}
    deliberate = error if isinstance(error, TonearmError) else full_disk(error, home)
    if deliberate is None:
        return 1, {"error": type(error).__name__}
    kind = {"error": type(deliberate).__name__}
    return deliberate.exit_status, kind if isinstance(deliberate, _QUOTING) else kind | {"sentence": str(deliberate)}


def _remember(home: Path, command: str, table: str, run: _Run, seconds: float, status: int) -> None:
    file = home.resolve() / "runs" / f"{'.'.join(filter(None, (command, table)))}.json"
    before, now = _read(file), time.time()
    succeeded_at = now if status == 0 else before.succeeded_at if before else None
    refreshed = (before.refreshed if before else {}) | run.refreshed
    said = LastRun(command, table, run.run_id, now, seconds, status, succeeded_at, refreshed)
    with suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        replace_file(file, json.dumps(asdict(said)))


def _read(file: Path) -> LastRun | None:
    try:
        return LastRun(**json.loads(file.read_text()))
    except (OSError, ValueError, TypeError):
        return None


class _Lines:
    """Appends each line in one write, so that lines of several processes do not mix."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def msg(self, line: str) -> None:
        with suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            if self._path.exists() and self._path.stat().st_size > MOST_BYTES:
                self._path.replace(self._path.with_name(f"{self._path.name}.1"))
            with self._path.open("ab", buffering=0) as file:
                file.write(f"{line}\n".encode())

    debug = info = warning = error = msg
