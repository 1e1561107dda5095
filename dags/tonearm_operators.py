"""How a task of the catalogue runs on this machine: the project's command line in the project's own environment."""

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

from airflow.providers.standard.hooks.subprocess import SubprocessHook
from airflow.sdk import DAG, Asset, BaseOperator
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from schemas.errors import RetryableError
from schemas.render.tasks import POOL, Task

_REPOSITORY = Path(__file__).resolve().parent.parent


class TonearmOperator(BaseOperator):
    """Runs `tonearm` with words. Only exit status 75 is tried again; any other but 0 fails at once."""

    template_fields = ("words",)
    ui_color = "#f4ead5"

    def __init__(self, words: list[str], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.words = words
        self._process = SubprocessHook()

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


def add_tasks(dag: DAG, tasks: list[Task]) -> None:
    """Each task of the catalogue in its place."""
    made: dict[str, TonearmOperator] = {}
    for task in tasks:
        made[task.task_id] = TonearmOperator(
            task_id=task.task_id,
            words=list(task.words),
            owner=task.owner,
            doc_md=task.doc,
            pool=POOL,
            retries=3,
            retry_delay=timedelta(minutes=2),
            retry_exponential_backoff=True,
            execution_timeout=timedelta(minutes=task.timeout_minutes),
            outlets=[Asset(name=name, uri=f"tonearm://lake/{name.replace('.', '/')}") for name in task.writes],
            trigger_rule="all_done" if task.runs_always else "all_success",
            dag=dag,
        )
        for before in task.after:
            made[before] >> made[task.task_id]
