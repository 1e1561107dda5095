"""Every derived table once a day, checked and published, in the order of the catalogue.

A run of Airflow's backfill for a date computes that date of each table again that is by date, and all that reads it.
"""

from airflow.sdk import DAG
from tonearm_operators import tonearm_dag

from schemas.render.tasks import daily_tasks

dag: DAG = tonearm_dag("tonearm_daily", daily_tasks(), doc=__doc__, schedule="0 3 * * *")
