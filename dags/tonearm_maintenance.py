"""Compaction and vacuum of every table, with the retention that the settings state, once a night."""

import pendulum
from airflow.sdk import DAG
from tonearm_operators import add_tasks

from schemas.render.tasks import Task

with DAG(
    dag_id="tonearm_maintenance",
    description="Small files are merged, and files that nobody needs removed; no row changes.",
    schedule="0 5 * * *",
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    catchup=False,
    max_active_runs=1,
    doc_md=__doc__,
    tags=["tonearm"],
) as dag:
    add_tasks(dag, [Task("maintain", ("maintain",), (), "data-platform", __doc__)])
