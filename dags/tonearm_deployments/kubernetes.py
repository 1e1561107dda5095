"""How a task of the catalogue runs on Kubernetes: with Spark as a SparkApplication, else as a pod of the same image.

The live pipeline is launched on Flink by a pod, which leaves a job that runs alone. An exit status does not come back
from there, so every failure is tried again; all tasks may be repeated.
"""

from typing import Any

from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
from airflow.providers.cncf.kubernetes.operators.spark_kubernetes import SparkKubernetesOperator
from kubernetes.client import models as k8s
from tonearm_deployments.by_run import ByRun
from tonearm_deployments.cluster import cluster

from schemas.render.submissions import (
    HOME,
    Cluster,
    environment_of,
    flink_words,
    labels_of,
    name_of,
    spark_application,
)
from schemas.render.tasks import LIVE_POOL, Task


class TonearmSparkOperator(ByRun, SparkKubernetesOperator):
    """Submits the SparkApplication of a task."""

    def __init__(self, backfill_words: tuple[str, ...] = (), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.backfill_words = backfill_words

    def take_words(self, words: list[str]) -> None:
        """Of a backfill."""
        self.template_spec["spark"]["spec"]["arguments"] = words


def operator(task: Task, **shared: Any) -> KubernetesPodOperator:
    """The task as what Kubernetes is asked for."""
    if task.pool == LIVE_POOL:
        where = cluster("image", "flink")
        return _pod(task, where, [*task.words, *flink_words(where)], shared)
    where = cluster("image")
    if not task.uses_engine:
        return _pod(task, where, list(task.words), shared)
    return TonearmSparkOperator(
        template_spec={"spark": spark_application(task, where)},
        namespace=where.namespace,
        name=name_of(task),
        backfill_words=task.backfill_words,
        **shared,
    )


def _pod(task: Task, where: Cluster, words: list[str], shared: dict[str, Any]) -> KubernetesPodOperator:
    claim = k8s.V1PersistentVolumeClaimVolumeSource(claim_name=where.home_claim)
    return KubernetesPodOperator(
        name=name_of(task),
        namespace=where.namespace,
        image=where.image,
        cmds=["python", "-m", "tonearm"],
        arguments=words,
        env_vars=environment_of(task, where),
        labels=labels_of(task),
        service_account_name=where.service_account,
        volumes=[k8s.V1Volume(name="home", persistent_volume_claim=claim)],
        volume_mounts=[k8s.V1VolumeMount(name="home", mount_path=HOME)],
        **shared,
    )
