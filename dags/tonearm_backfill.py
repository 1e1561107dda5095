"""A range of dates of a table computed again, and on request all that reads it; triggered by hand.

It is `tonearm backfill` with the parameters of the run: one commit for each table, whatever the number of dates.
"""

from airflow.sdk import DAG, Param
from tonearm_operators import tonearm_dag

from schemas.render.tasks import backfill_task, tables_by_date

_DATE = {"type": "string", "format": "date"}

dag: DAG = tonearm_dag(
    "tonearm_backfill",
    [backfill_task()],
    doc=__doc__,
    schedule=None,
    params={
        "table": Param(tables_by_date()[0], enum=list(tables_by_date()), description="The table."),
        "first": Param("2026-11-01", **_DATE, description="First UTC date."),
        "last": Param("2026-11-01", **_DATE, description="Last UTC date, included."),
        "downstream": Param(False, type="boolean", description="Compute what reads the table again too."),
    },
)
