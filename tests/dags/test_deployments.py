"""What the tasks of each deployment ask for when their templates are rendered, against what the catalogue says."""

from typing import Any

import pytest

from infra.settings import REPOSITORY
from schemas.render.submissions import (
    Cluster,
    dataflow_launch,
    dataproc_batch,
    environment_of,
    flink_words,
    spark_application,
)
from schemas.render.tasks import (
    Task,
    backfill_task,
    daily_tasks,
    ingest_task,
    keep_alive_task,
    maintain_task,
)
from tests.dags.conftest import Ask

KUBERNETES = {
    "TONEARM_DEPLOYMENT": "kubernetes",
    "TONEARM_IMAGE": "registry.example/tonearm:1",
    "TONEARM_FLINK_ADDRESS": "flink:8081",
    "TONEARM_KAFKA_BOOTSTRAP": "kafka:9092",
}
GOOGLE = {
    "TONEARM_DEPLOYMENT": "google",
    "TONEARM_IMAGE": "registry.example/tonearm:1",
    "TONEARM_SERVICE_ACCOUNT": "tonearm@project.example",
    "TONEARM_GOOGLE_PROJECT": "project",
    "TONEARM_GOOGLE_REGION": "europe-west1",
    "TONEARM_GOOGLE_CODE": "gs://bucket/tonearm/main.py",
    "TONEARM_FLEX_TEMPLATE": "gs://bucket/tonearm-live.json",
    "TONEARM_KAFKA_BOOTSTRAP": "kafka:9092",
}
SETTINGS = {"TONEARM_KAFKA_BOOTSTRAP": "kafka:9092"}
TASKS = [*daily_tasks(), ingest_task(), maintain_task()]
BY_HAND = ["backfill", "silver.plays", "2026-11-01", "2026-11-03", "--downstream"]


def words(task: Task, run: str) -> list[str]:
    """The command of the task in a run of 2 November."""
    chosen = task.backfill_words if run == "backfill" and task.backfill_words else task.words
    return [word.replace("{{ ds }}", "2026-11-02") for word in chosen]


def by_id(rendered: dict[str, Any]) -> dict[str, Any]:
    """Tasks of the DAGs that follow a schedule; `ingest` of two of them is the same."""
    return {task: one for dag in ("tonearm_daily", "tonearm_ingest", "tonearm_maintenance") for task, one in
            rendered[dag].items()}  # fmt: skip


@pytest.fixture(scope="module")
def local(ask_airflow: Ask) -> Any:
    return ask_airflow("render_dags.py", REPOSITORY / "dags")


@pytest.fixture(scope="module")
def kubernetes(ask_airflow: Ask) -> Any:
    return ask_airflow("render_dags.py", REPOSITORY / "dags", **KUBERNETES)


@pytest.fixture(scope="module")
def google(ask_airflow: Ask) -> Any:
    return ask_airflow("render_dags.py", REPOSITORY / "dags", google=True, **GOOGLE)


@pytest.mark.parametrize("run", ["scheduled", "backfill"])
def test_locally_a_task_is_its_command(local: Any, run: str) -> None:
    found = {name: (one["operator"], one["words"]) for name, one in by_id(local[run]).items()}
    assert found == {task.task_id: ("TonearmOperator", words(task, run)) for task in TASKS}
    assert local[run]["tonearm_backfill"]["backfill"]["words"] == BY_HAND


@pytest.mark.parametrize("run", ["scheduled", "backfill"])
def test_on_kubernetes_a_task_with_an_engine_is_a_spark_application_and_another_a_pod(
    kubernetes: Any, run: str
) -> None:
    found = by_id(kubernetes[run])
    cluster = Cluster("registry.example/tonearm:1", SETTINGS, flink="flink:8081")
    assert set(found) == {task.task_id for task in TASKS}
    for task in TASKS:
        one = found[task.task_id]
        if task.uses_engine:
            expected = spark_application(task, cluster)
            expected["spec"]["arguments"] = words(task, run)
            assert (one["operator"], one["template_spec"]) == ("TonearmSparkOperator", {"spark": expected})
            assert one["namespace"] == "tonearm"
        else:
            assert (one["operator"], one["cmds"]) == ("KubernetesPodOperator", ["python", "-m", "tonearm"])
            assert (one["image"], one["arguments"]) == ("registry.example/tonearm:1", words(task, run))
            assert {var["name"]: var["value"] for var in one["env_vars"]} == environment_of(task, cluster)
            assert one["volumes"][0]["persistent_volume_claim"]["claim_name"] == "tonearm-home"
    by_hand = kubernetes[run]["tonearm_backfill"]["backfill"]["template_spec"]["spark"]["spec"]["arguments"]
    assert by_hand == BY_HAND


def test_on_kubernetes_the_live_pipeline_is_kept_alive_on_flink(kubernetes: Any) -> None:
    found = kubernetes["scheduled"]["tonearm_keep_alive"]["keep_alive"]
    cluster = Cluster("registry.example/tonearm:1", SETTINGS, flink="flink:8081")
    assert found["operator"] == "KubernetesPodOperator"
    assert found["arguments"] == ["keep-alive", *flink_words(cluster)]
    assert "--flink_master=flink:8081" in found["arguments"]


@pytest.mark.nightly
@pytest.mark.parametrize("run", ["scheduled", "backfill"])
def test_on_google_a_task_is_a_serverless_batch(google: Any, run: str) -> None:
    found = by_id(google[run])
    assert set(found) == {task.task_id for task in TASKS}
    for task in TASKS:
        one = found[task.task_id]
        expected = dataproc_batch(task, google_cluster())
        expected["pyspark_batch"]["args"] = words(task, run)
        assert (one["operator"], one["batch"]) == ("TonearmBatchOperator", expected)
        assert (one["project_id"], one["region"]) == ("project", "europe-west1")
        assert len(one["batch_id_prefix"]) <= 54
    assert google[run]["tonearm_backfill"]["backfill"]["batch"]["pyspark_batch"]["args"] == BY_HAND


@pytest.mark.nightly
def test_on_google_the_live_pipeline_is_kept_alive_on_dataflow(google: Any) -> None:
    found = google["scheduled"]["tonearm_keep_alive"]["keep_alive"]
    assert found["operator"] == "TonearmLiveOperator"
    assert found["body"] == dataflow_launch(google_cluster())
    assert (found["location"], found["project_id"]) == ("europe-west1", "project")


def google_cluster() -> Cluster:
    return Cluster(
        "registry.example/tonearm:1",
        SETTINGS,
        service_account="tonearm@project.example",
        project="project",
        region="europe-west1",
        code="gs://bucket/tonearm/main.py",
        template="gs://bucket/tonearm-live.json",
    )


def test_the_keep_alive_and_the_backfill_by_hand_are_the_catalogues(local: Any) -> None:
    assert local["scheduled"]["tonearm_keep_alive"]["keep_alive"]["words"] == list(keep_alive_task().words)
    assert len(backfill_task().words) == len(BY_HAND)
