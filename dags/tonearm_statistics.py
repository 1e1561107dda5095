"""Every statistic of listeners, countries and periods once a day, after the daily run; what changed is computed."""

from airflow.sdk import DAG
from tonearm_operators import tonearm_dag

from schemas.render.tasks import statistics_tasks

dag: DAG = tonearm_dag("tonearm_statistics", statistics_tasks(), doc=__doc__, schedule="0 4 * * *")
