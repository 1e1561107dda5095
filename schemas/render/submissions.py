"""A task as what a cluster is asked for: a SparkApplication, a pod's words, a Dataproc batch, a Dataflow launch.

All of them run the same command of `tonearm`, in an image that has the checkout in `/opt/tonearm` and its packages. The
platform's own settings are handed to it as environment variables.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from schemas.render.tasks import Task

SPARK_VERSION = "4.1.3"
CODE = "/opt/tonearm"
"""Where the image has the checkout."""

HOME = "/var/tonearm"
"""Where the home is mounted, which holds the lake: a volume that all tasks share."""

JOB = "tonearm-live"
"""Name of the streaming job; while one of that name runs, no other is launched."""

_MAIN = f"local://{CODE}/tonearm/submitted/main.py"
_DELTA = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
}
_ENGINE = {"TONEARM_ENGINE": "spark", "TONEARM_SPARK_REMOTE": "driver"}


@dataclass(frozen=True)
class Cluster:
    """Where tasks are submitted to; `settings` are environment variables of the platform (`TONEARM_…`).

    `home_claim` is the Kubernetes volume claim of the home. `region`, `code` (`gs://…` of the main file) and `template`
    (`gs://…` of the Flex template) are Google's, `flink` is the address of Flink's REST API.
    """

    image: str
    settings: Mapping[str, str] = field(default_factory=dict)
    namespace: str = "tonearm"
    service_account: str = "tonearm"
    home_claim: str = "tonearm-home"
    executors: int = 2
    flink: str = ""
    project: str = ""
    region: str = ""
    code: str = ""
    template: str = ""


def name_of(task: Task) -> str:
    """The task's name where only lower-case letters, digits and hyphens are allowed (DNS-1123)."""
    return f"tonearm-{re.sub('[^a-z0-9]+', '-', task.task_id.lower())}"


def labels_of(task: Task) -> dict[str, str]:
    """Labels by which what a task has started is found."""
    return {"app": "tonearm", "task": name_of(task).removeprefix("tonearm-"), "owner": task.owner}


def environment_of(task: Task, cluster: Cluster) -> dict[str, str]:
    """Environment variables of the command."""
    return {**cluster.settings, "TONEARM_HOME": HOME, **(_ENGINE if task.uses_engine else {})}


def spark_application(task: Task, cluster: Cluster) -> dict[str, Any]:
    """A SparkApplication (`sparkoperator.k8s.io/v1beta2`) whose driver runs the command."""
    volume = {"name": "home", "persistentVolumeClaim": {"claimName": cluster.home_claim}}
    pod = {
        "env": [{"name": name, "value": value} for name, value in sorted(environment_of(task, cluster).items())],
        "labels": labels_of(task),
        "volumeMounts": [{"name": "home", "mountPath": HOME}],
    }
    return {
        "apiVersion": "sparkoperator.k8s.io/v1beta2",
        "kind": "SparkApplication",
        "metadata": {"name": name_of(task), "namespace": cluster.namespace, "labels": labels_of(task)},
        "spec": {
            "type": "Python",
            "pythonVersion": "3",
            "mode": "cluster",
            "image": cluster.image,
            "sparkVersion": SPARK_VERSION,
            "mainApplicationFile": _MAIN,
            "arguments": list(task.words),
            "sparkConf": dict(_DELTA),
            # Airflow tries again; two that do would multiply.
            "restartPolicy": {"type": "Never"},
            "timeToLiveSeconds": 24 * 3600,
            "volumes": [volume],
            "driver": {"cores": 1, "memory": "4g", "serviceAccount": cluster.service_account, **pod},
            "executor": {"instances": cluster.executors, "cores": 2, "memory": "4g", **pod},
        },
    }


def flink_words(cluster: Cluster) -> list[str]:
    """Options of the live pipeline on Flink: one worker at a time, whose process holds the pipeline's state."""
    return [
        "--runner=FlinkRunner",
        f"--flink_master={cluster.flink}",
        "--flink_submit_uber_jar",
        "--environment_type=EXTERNAL",
        "--environment_config=localhost:50000",
        "--parallelism=1",
        f"--job_name={JOB}",
    ]


def dataproc_batch(task: Task, cluster: Cluster) -> dict[str, Any]:
    """A serverless Dataproc batch (`google.cloud.dataproc.v1.Batch`) that runs the command."""
    settings = sorted(environment_of(task, cluster).items())
    return {
        "pyspark_batch": {"main_python_file_uri": cluster.code, "args": list(task.words)},
        "labels": labels_of(task),
        "runtime_config": {
            "container_image": cluster.image,
            "properties": _DELTA | {f"spark.kubernetes.driverEnv.{name}": value for name, value in settings},
        },
        "environment_config": {"execution_config": {"service_account": cluster.service_account}},
    }


def dataflow_launch(cluster: Cluster) -> dict[str, Any]:
    """The body of a Flex template's launch; the settings of the platform are in the template's image."""
    return {
        "launchParameter": {
            "jobName": JOB,
            "containerSpecGcsPath": cluster.template,
            "parameters": {"detached": "1"},
            "environment": {
                # The state is the memory of one process.
                "numWorkers": 1,
                "maxWorkers": 1,
                "serviceAccountEmail": cluster.service_account,
                "enableStreamingEngine": True,
            },
        }
    }
