"""Runs in Airflow's environment: renders the templates of every task as a run of 2 November does; prints JSON.

First for a run by schedule, then for one of Airflow's backfill.
"""

import json
import sys
from types import SimpleNamespace
from typing import Any

from airflow.dag_processing.dagbag import DagBag
from airflow.utils.types import DagRunType

PARAMS = {"table": "silver.plays", "first": "2026-11-01", "last": "2026-11-03", "downstream": True}


def rendered(task: Any, run_type: DagRunType) -> dict[str, Any]:
    """The operator and its templated fields."""
    context = {"dag_run": SimpleNamespace(run_type=run_type), "ds": "2026-11-02", "params": PARAMS}
    task.render_template_fields(context)
    fields = {name: getattr(task, name, None) for name in task.template_fields}
    return {"operator": type(task).__name__, **fields}


folder = sys.argv[1]
answer = {}
for run_type in (DagRunType.SCHEDULED, DagRunType.BACKFILL_JOB):
    bag = DagBag(dag_folder=folder)
    assert not bag.import_errors, bag.import_errors
    answer[run_type.value] = {
        dag_id: {task.task_id: rendered(task, run_type) for task in dag.tasks} for dag_id, dag in bag.dags.items()
    }
print("FOUND " + json.dumps(answer, default=lambda one: one.to_dict() if hasattr(one, "to_dict") else str(one)))
