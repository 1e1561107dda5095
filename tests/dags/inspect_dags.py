"""Runs in Airflow's environment: imports every DAG of each folder as its scheduler does, and prints it as JSON."""

import json
import sys
from pathlib import Path
from typing import Any

from airflow.dag_processing.dagbag import DagBag


def inspected(folder: str) -> dict[str, Any]:
    """The folder's DAGs, and the files that failed to import."""
    sys.path.insert(0, folder)
    bag = DagBag(dag_folder=folder)
    return {
        "seconds": {Path(one.file).name: one.duration.total_seconds() for one in bag.dagbag_stats},
        "errors": bag.import_errors,
        "modules": sorted(name for name in sys.modules if name.startswith(("airflow.providers.", "tonearm_"))),
        "dags": {dag_id: described(dag) for dag_id, dag in bag.dags.items()},
    }


def described(dag: Any) -> dict[str, Any]:
    """What tests look at."""
    return {
        "catchup": dag.catchup,
        "max_active_runs": dag.max_active_runs,
        "schedule": str(dag.schedule),
        "doc": dag.doc_md,
        "owner": dag.owner,
        "tags": sorted(dag.tags),
        "start": dag.start_date.isoformat(),
        "params": dag.params.dump() if dag.params else {},
        "tasks": {
            task.task_id: {
                "operator": type(task).__name__,
                "words": getattr(task, "words", None),
                "after": sorted(task.upstream_task_ids),
                "owner": task.owner,
                "doc": task.doc_md,
                "pool": task.pool,
                "retries": task.retries,
                "timeout": task.execution_timeout.total_seconds(),
                "outlets": sorted(asset.name for asset in task.outlets),
                "trigger": str(task.trigger_rule.value),
            }
            for task in dag.tasks
        },
    }


print("FOUND " + json.dumps([inspected(folder) for folder in sys.argv[1:]]))
