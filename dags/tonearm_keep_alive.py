"""A live pipeline that makes no progress is started again; every few minutes."""

from airflow.sdk import DAG
from tonearm_operators import tonearm_dag

from schemas.render.tasks import keep_alive_task

dag: DAG = tonearm_dag("tonearm_keep_alive", [keep_alive_task()], doc=__doc__, schedule="*/5 * * * *")
