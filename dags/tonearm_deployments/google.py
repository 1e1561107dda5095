"""How a task of the catalogue runs on Google Cloud: as a serverless Dataproc batch; the live pipeline on Dataflow.

An exit status does not come back from there, so every failure is tried again; all tasks may be repeated.
"""

from typing import Any

from airflow.providers.google.cloud.operators.dataflow import DataflowStartFlexTemplateOperator
from airflow.providers.google.cloud.operators.dataproc import DataprocCreateBatchOperator
from airflow.sdk import BaseOperator
from tonearm_deployments.by_run import ByRun
from tonearm_deployments.cluster import cluster

from schemas.render.submissions import JOB, dataflow_launch, dataproc_batch, name_of
from schemas.render.tasks import LIVE_POOL, Task

_LONGEST_PREFIX = 54  # of the 63 characters of a batch's id, which ends in a hyphen and eight more


class TonearmBatchOperator(ByRun, DataprocCreateBatchOperator):
    """Submits the batch of a task."""

    def __init__(self, backfill_words: tuple[str, ...] = (), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.backfill_words = backfill_words

    def take_words(self, words: list[str]) -> None:
        """Of a backfill."""
        self.batch["pyspark_batch"]["args"] = words


class TonearmLiveOperator(DataflowStartFlexTemplateOperator):
    """Launches the streaming job where none of its name runs."""

    def execute(self, context: Any) -> Any:
        """Look, and launch; returns the job, or what was found."""
        if self.hook.is_job_dataflow_running(name=JOB, project_id=self.project_id, location=self.location):
            self.log.info("The live pipeline is alive: nothing was done.")
            return "alive"
        return super().execute(context)


def operator(task: Task, **shared: Any) -> BaseOperator:
    """The task as what Google Cloud is asked for."""
    if task.pool == LIVE_POOL:
        where = cluster("project", "region", "template", "service_account")
        return TonearmLiveOperator(
            body=dataflow_launch(where),
            location=where.region,
            project_id=where.project,
            append_job_name=False,
            wait_until_finished=False,
            **shared,
        )
    where = cluster("image", "project", "region", "code", "service_account")
    return TonearmBatchOperator(
        batch=dataproc_batch(task, where),
        batch_id_prefix=name_of(task)[:_LONGEST_PREFIX],
        region=where.region,
        project_id=where.project,
        backfill_words=task.backfill_words,
        **shared,
    )
