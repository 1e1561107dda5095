"""Runs in Airflow's environment: one run of a DAG from its first task to its last, in this process.

Prints how it ended and how long each task took, in seconds.
"""

import sys
from pathlib import Path

from airflow.dag_processing.dagbag import DagBag

folder, dag_id = Path(sys.argv[1]), sys.argv[2]
sys.path.insert(0, str(folder))
run = DagBag(dag_folder=str(folder)).dags[dag_id].test()
print(f"ENDED {run.state.value if hasattr(run.state, 'value') else run.state}")
for task in sorted(run.get_task_instances(), key=lambda one: str(one.start_date)):
    print(f"{task.task_id} {task.duration or 0:.1f}")
