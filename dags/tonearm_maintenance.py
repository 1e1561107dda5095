"""Compaction and vacuum of every table, with the retention that the settings state, once a night."""

from airflow.sdk import DAG
from tonearm_operators import tonearm_dag

from schemas.render.tasks import maintain_task

dag: DAG = tonearm_dag("tonearm_maintenance", [maintain_task()], doc=__doc__, schedule="0 5 * * *")
