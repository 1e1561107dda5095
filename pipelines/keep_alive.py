"""Keep-alive: looks whether the live pipeline of a home makes progress, and starts it again where it is dead.

It is started detached from whoever looks, and ends with `tonearm down`, or when the local stack has been gone for a
minute. On Flink a job is launched where none of its name runs.
"""

import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from enum import StrEnum

from infra.kafka.topics import ensure_playback_topic
from infra.local.owner import Owner, owner_of
from infra.local.process import last_line, stop_processes
from infra.local.signals import signals_as_exceptions
from infra.local.stack import endpoints
from infra.settings import REPOSITORY, Settings
from pipelines.flink import job_runs
from pipelines.progress import Progress, read_progress
from pipelines.supervisor import environment, live_pipeline, lock_path
from schemas.errors import ConfigurationError, StoreUnavailableError

PATIENCE_SECONDS = 180.0
"""Within this time from its start, a supervisor whose pipeline has said nothing yet is left to try."""

LOG = "live-supervisor.log"
PRISM = "PrismRunner"
_BEGIN_SECONDS = 60.0
_STACK_GONE_SECONDS = 60.0
_LOOK_AGAIN_SECONDS = 1.0


class State(StrEnum):
    """What a look at the pipeline finds."""

    ALIVE = "alive"
    STARTING = "starting"
    STALLED = "stalled"
    DEAD = "dead"


@dataclass(frozen=True)
class Look:
    """What was found, and what was started for it, a supervisor's process or a job; None where nothing was done."""

    state: State
    started: int | str | None = None


def state(progress: Progress | None, supervisor: Owner | None, now: float) -> State:
    """What the pipeline is at, by what it said last and by who keeps it alive; `now` in seconds since 1970."""
    if progress and progress.is_recent:
        return State.ALIVE
    if supervisor is None:
        return State.DEAD
    return State.STARTING if now - supervisor.process.create_time < PATIENCE_SECONDS else State.STALLED


def keep_alive(settings: Settings, options: Sequence[str] = ()) -> Look:
    """Look, and start the pipeline with `options` where it is dead or has stood still for long. Alive: nothing is done.

    Raises:
        StoreUnavailableError: the stack is not up, or what stands still runs in a terminal of its own.
        ConfigurationError: it ended at once, or the runner is none that jobs are kept alive on.
    """
    runner = _option(options, "runner") or PRISM
    if runner != PRISM:
        return _keep_job(settings, options, runner)
    where = endpoints(settings)
    supervisor = owner_of(lock_path(settings.home))
    found = state(read_progress(settings.home), supervisor, time.time())
    if found in (State.ALIVE, State.STARTING):
        return Look(found)
    if supervisor and not supervisor.supervisor:
        raise StoreUnavailableError(
            f"The live pipeline of process {supervisor.process.pid} stands still, and that process runs for somebody: "
            "see logs/live.log in the home, or stop it, then it is started anew."
        )
    stop_detached(settings)
    ensure_playback_topic(settings, where.kafka_bootstrap)
    return Look(found, _start(settings, options))


def stop_detached(settings: Settings) -> bool:
    """End the pipeline that `keep_alive` has started; whether there was one."""
    supervisor = owner_of(lock_path(settings.home))
    process = supervisor.process.find() if supervisor and supervisor.supervisor else None
    stop_processes([process] if process else [])
    return process is not None


def supervise(settings: Settings, options: Sequence[str]) -> None:
    """Keep the pipeline alive until SIGTERM, or until the stack has been gone for a minute.

    Raises ConfigurationError with what the last life said where no other one would help.
    """
    seen = time.monotonic()
    with signals_as_exceptions(), live_pipeline(settings, options, detached=True) as pipeline:
        while not pipeline.ended:
            time.sleep(_LOOK_AGAIN_SECONDS)
            try:
                endpoints(settings)
                seen = time.monotonic()
            except StoreUnavailableError:
                if time.monotonic() - seen > _STACK_GONE_SECONDS:
                    return
        raise ConfigurationError(pipeline.failure or "The live pipeline ended: start it again.")


def _keep_job(settings: Settings, options: Sequence[str], runner: str) -> Look:
    address, name = _option(options, "flink_master"), _option(options, "job_name")
    if runner != "FlinkRunner" or not address or not name:
        raise ConfigurationError(
            f"A job of {runner} is kept alive by whoever launches it; with --runner=FlinkRunner give --flink_master "
            "and --job_name."
        )
    if job_runs(address, name):
        return Look(State.ALIVE)
    from pipelines.run import run_live

    with ExitStack() as nothing:
        run_live(settings, [*options, "--detached=1"], nothing)
    return Look(State.DEAD, name)


def _option(options: Sequence[str], name: str) -> str:
    """The value of `--name=value`; empty where it is not given."""
    values = [word.partition("=")[2] for word in options if word.startswith(f"--{name}=")]
    return values[-1] if values else ""


def _start(settings: Settings, options: Sequence[str]) -> int:
    """A supervisor in a session of its own; its process id, when it holds the lock."""
    log = settings.home.resolve() / "logs" / LOG
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        child = subprocess.Popen(
            [sys.executable, "-m", "pipelines", "supervise", *options],
            stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, cwd=REPOSITORY,
            env=environment(settings), start_new_session=True,
        )  # fmt: skip
    deadline = time.monotonic() + _BEGIN_SECONDS
    while (owner := owner_of(lock_path(settings.home))) is None or owner.process.pid != child.pid:
        if child.poll() is not None or time.monotonic() > deadline:
            raise ConfigurationError(f"The live pipeline did not start; it said: {last_line(log)}")
        time.sleep(0.1)
    child.returncode = 0  # it stays, and nobody here waits for it
    return child.pid
