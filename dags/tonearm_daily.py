"""Every derived table once a day, checked and published, in the order of the catalogue."""

import pendulum
from airflow.sdk import DAG
from tonearm_operators import add_tasks

from schemas.render.tasks import daily_tasks

with DAG(
    dag_id="tonearm_daily",
    description="From Kafka to BigQuery and Cassandra: every table refreshed, checked and published.",
    schedule="0 3 * * *",
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    # A run brings every table up to date, whatever was missed: there is nothing to catch up with one by one.
    catchup=False,
    # Tables remember how far they have read; two runs would read the same.
    max_active_runs=1,
    doc_md=__doc__,
    tags=["tonearm"],
) as dag:
    add_tasks(dag, daily_tasks())
