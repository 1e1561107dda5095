"""What Kafka has and the ledger has not, every hour."""

from airflow.sdk import DAG
from tonearm_operators import tonearm_dag

from schemas.render.tasks import ingest_task

dag: DAG = tonearm_dag("tonearm_ingest", [ingest_task()], doc=__doc__, schedule="@hourly")
