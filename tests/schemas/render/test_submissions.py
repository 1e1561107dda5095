"""What clusters are asked for: the same command as here, in the image, with the platform's settings and no others."""

import json
from dataclasses import replace

import pytest

from infra.settings import REPOSITORY
from schemas.render.submissions import (
    Cluster,
    dataflow_launch,
    dataproc_batch,
    environment_of,
    flink_words,
    name_of,
    spark_application,
)
from schemas.render.tasks import Task, daily_tasks, keep_alive_task

CLUSTER = Cluster("image:1", {"TONEARM_KAFKA_BOOTSTRAP": "kafka:9092"}, flink="flink:8081", code="gs://b/main.py")
REFRESH = Task("refresh.gold.daily_track_plays", ("refresh", "gold.daily_track_plays"), (), "owner", "")
PUBLISH = replace(REFRESH, task_id="publish.x", words=("publish", "x"), uses_engine=False)


def test_names_are_what_kubernetes_and_google_allow() -> None:
    names = [name_of(task) for task in daily_tasks()]
    assert names[1].startswith("tonearm-refresh-")
    assert len(set(names)) == len(names)
    assert all(len(name) <= 54 and set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-") for name in names)


def test_a_spark_application_runs_the_command_in_its_driver() -> None:
    application = spark_application(REFRESH, CLUSTER)
    spec = application["spec"]
    assert (application["apiVersion"], application["kind"]) == ("sparkoperator.k8s.io/v1beta2", "SparkApplication")
    assert application["metadata"]["name"] == "tonearm-refresh-gold-daily-track-plays"
    assert (spec["mainApplicationFile"], spec["arguments"]) == (
        "local:///opt/tonearm/tonearm/submitted/main.py",
        ["refresh", "gold.daily_track_plays"],
    )
    assert spec["restartPolicy"] == {"type": "Never"}
    assert {one["name"]: one["value"] for one in spec["driver"]["env"]} == {
        "TONEARM_ENGINE": "spark",
        "TONEARM_HOME": "/var/tonearm",
        "TONEARM_KAFKA_BOOTSTRAP": "kafka:9092",
        "TONEARM_SPARK_REMOTE": "driver",
    }
    assert spec["volumes"][0]["persistentVolumeClaim"] == {"claimName": "tonearm-home"}
    assert json.loads(json.dumps(application)) == application


def test_spark_of_an_application_is_the_one_that_is_locked() -> None:
    locked = (REPOSITORY / "requirements" / "project.txt").read_text()
    assert f"pyspark=={spark_application(REFRESH, CLUSTER)['spec']['sparkVersion']} " in locked


def test_what_needs_no_engine_is_told_of_none() -> None:
    assert environment_of(PUBLISH, CLUSTER) == {
        "TONEARM_HOME": "/var/tonearm",
        "TONEARM_KAFKA_BOOTSTRAP": "kafka:9092",
    }


def test_two_tasks_share_nothing_that_can_be_changed() -> None:
    first = spark_application(REFRESH, CLUSTER)
    first["spec"]["sparkConf"]["spark.x"] = "1"
    assert "spark.x" not in spark_application(REFRESH, CLUSTER)["spec"]["sparkConf"]


def test_a_batch_of_dataproc_runs_the_command() -> None:
    batch = dataproc_batch(REFRESH, CLUSTER)
    assert batch["pyspark_batch"] == {
        "main_python_file_uri": "gs://b/main.py",
        "args": ["refresh", "gold.daily_track_plays"],
    }
    properties = batch["runtime_config"]["properties"]
    assert properties["spark.kubernetes.driverEnv.TONEARM_KAFKA_BOOTSTRAP"] == "kafka:9092"


def test_a_launch_on_dataflow_gives_options_that_the_template_has() -> None:
    launch = dataflow_launch(replace(CLUSTER, template="gs://b/live.json"))["launchParameter"]
    template = json.loads((REPOSITORY / "pipelines" / "metadata.json").read_text())
    assert set(launch["parameters"]) <= {one["name"] for one in template["parameters"]}
    assert launch["containerSpecGcsPath"] == "gs://b/live.json"
    assert (launch["environment"]["numWorkers"], launch["environment"]["maxWorkers"]) == (1, 1)


def test_options_of_flink_are_understood_by_the_pipeline() -> None:
    beam = pytest.importorskip("apache_beam.options.pipeline_options")
    from pipelines.options import LiveOptions

    options = LiveOptions([*flink_words(CLUSTER), "--detached=1"], streaming=True)
    assert options.view_as(beam.StandardOptions).runner == "FlinkRunner"
    assert options.view_as(beam.FlinkRunnerOptions).flink_master == "flink:8081"
    assert options.view_as(beam.GoogleCloudOptions).job_name == "tonearm-live"
    assert options.detached == 1


def test_the_keep_alive_is_one_command_everywhere() -> None:
    assert keep_alive_task().words == ("keep-alive",)
