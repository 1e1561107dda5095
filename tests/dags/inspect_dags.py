"""Runs in Airflow's environment: imports every DAG as its scheduler does and prints what it found, as JSON."""

import json
import sys
import time
from pathlib import Path

from airflow.dag_processing.dagbag import DagBag

folder = Path(sys.argv[1])
sys.path.insert(0, str(folder))
began = time.perf_counter()
bag = DagBag(dag_folder=str(folder))
seconds = time.perf_counter() - began
print(
    "FOUND "
    + json.dumps(
        {
            "seconds": seconds,
            "by_file": {Path(one.file).name: one.duration.total_seconds() for one in bag.dagbag_stats},
            "errors": bag.import_errors,
            "dags": {
                dag_id: {
                    "catchup": dag.catchup,
                    "max_active_runs": dag.max_active_runs,
                    "schedule": str(dag.schedule),
                    "doc": dag.doc_md,
                    "tasks": {
                        task.task_id: {
                            "words": task.words,
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
                for dag_id, dag in bag.dags.items()
            },
        }
    )
)
