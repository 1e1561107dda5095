"""How tasks of the catalogue become tasks of Airflow: the operators of the deployment, and what all DAGs share."""

import os
from datetime import timedelta
from importlib import import_module
from types import ModuleType
from typing import Any

import pendulum
from airflow.sdk import DAG, Asset
from airflow.sdk.exceptions import AirflowException

from schemas.errors import ConfigurationError
from schemas.render.tasks import OWNER, Task

DEPLOYMENTS = ("local", "kubernetes", "google")
START = pendulum.datetime(2000, 1, 1, tz="UTC")
"""Before anything that a history holds, so that Airflow's backfill reaches all of it."""


def tonearm_dag(dag_id: str, tasks: list[Task], *, doc: str, schedule: str | None, **more: Any) -> DAG:
    """A DAG of these tasks; `more` are further arguments of Airflow's DAG."""
    dag = DAG(
        dag_id=dag_id,
        description=doc.splitlines()[0],
        doc_md=doc,
        schedule=schedule,
        start_date=START,
        # A run brings every table up to date, whatever was missed: there is nothing to catch up with one by one.
        catchup=False,
        # Tables remember how far they have read; two runs would read the same.
        max_active_runs=1,
        default_args={"owner": OWNER},
        tags=["tonearm"],
        **more,
    )
    add_tasks(dag, tasks)
    return dag


def add_tasks(dag: DAG, tasks: list[Task]) -> None:
    """Each task of the catalogue in its place."""
    operators, made = deployment(), {}
    for task in tasks:
        made[task.task_id] = operators.operator(task, **_shared(task), dag=dag)
        for before in task.after:
            made[before] >> made[task.task_id]


def deployment() -> ModuleType:
    """The module of operators that TONEARM_DEPLOYMENT names; raises ConfigurationError."""
    name = os.environ.get("TONEARM_DEPLOYMENT") or DEPLOYMENTS[0]
    if name not in DEPLOYMENTS:
        known = f"{', '.join(DEPLOYMENTS[:-1])} and {DEPLOYMENTS[-1]}"
        raise ConfigurationError(f"There is no deployment {name}: set TONEARM_DEPLOYMENT to one of {known}.")
    try:
        return import_module(f"tonearm_deployments.{name}")
    except (ImportError, AirflowException) as error:
        raise ConfigurationError(
            f"TONEARM_DEPLOYMENT={name} needs providers that this Airflow lacks: install those of "
            f"requirements/airflow{'-google' if name == 'google' else ''}.txt ({error})."
        ) from error


def _shared(task: Task) -> dict[str, Any]:
    """Arguments that operators of every deployment take."""
    return {
        "task_id": task.task_id,
        "owner": task.owner,
        "doc_md": task.doc,
        "pool": task.pool,
        "retries": 3,
        "retry_delay": timedelta(minutes=2),
        "retry_exponential_backoff": True,
        "execution_timeout": timedelta(minutes=task.timeout_minutes),
        "outlets": [Asset(name=name, uri=f"tonearm://lake/{name.replace('.', '/')}") for name in task.writes],
        "trigger_rule": "all_done" if task.runs_always else "all_success",
    }
