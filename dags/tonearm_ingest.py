"""What Kafka has and the ledger has not, every hour."""

import pendulum
from airflow.sdk import DAG
from tonearm_operators import add_tasks

from schemas.render.tasks import ingest_task

with DAG(
    dag_id="tonearm_ingest",
    description="Kafka to bronze.playback_events: every record as received.",
    schedule="@hourly",
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    # The ledger goes on where it ends, whatever hours were missed.
    catchup=False,
    max_active_runs=1,
    doc_md=__doc__,
    tags=["tonearm"],
) as dag:
    add_tasks(dag, [ingest_task()])
