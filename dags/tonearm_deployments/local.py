"""How a task of the catalogue runs on this machine: the project's command line in the project's own environment."""

import os
from pathlib import Path
from typing import Any

from airflow.providers.standard.hooks.subprocess import SubprocessHook
from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowException, AirflowFailException
from tonearm_deployments.by_run import ByRun

from schemas.errors import RetryableError
from schemas.render.tasks import Task

_REPOSITORY = Path(__file__).resolve().parent.parent.parent


class TonearmOperator(ByRun, BaseOperator):
    """Runs `tonearm` with words. Only exit status 75 is tried again; any other but 0 fails at once."""

    template_fields = ("words",)
    ui_color = "#f4ead5"

    def __init__(self, words: list[str], backfill_words: tuple[str, ...] = (), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.words = words
        self.backfill_words = backfill_words
        self._process = SubprocessHook()

    def take_words(self, words: list[str]) -> None:
        """Of a backfill."""
        self.words = words

    def execute(self, context: Any) -> str:
        """Run it; returns its last line."""
        command = [str(tonearm()), *self.words]
        done = self._process.run_command(command, env=dict(os.environ), cwd=str(_REPOSITORY))
        if done.exit_code == RetryableError.exit_status:
            raise AirflowException(f"Trying again can help: {done.output}")
        if done.exit_code:
            raise AirflowFailException(f"Exit status {done.exit_code}, which a retry does not cure.")
        return str(done.output)

    def on_kill(self) -> None:
        """Ask the command to end; a run that is ended is finished by the next one."""
        self._process.send_sigterm()


def tonearm() -> Path:
    """The command line of this checkout's toolchain."""
    toolchain = os.environ.get("TONEARM_TOOLCHAIN") or _REPOSITORY / ".tonearm" / "toolchain"
    return Path(toolchain) / "venv" / "bin" / "tonearm"


def operator(task: Task, **shared: Any) -> TonearmOperator:
    """The task as a command on this machine."""
    return TonearmOperator(words=list(task.words), backfill_words=task.backfill_words, **shared)
