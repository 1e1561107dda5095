"""OpenLineage events in this project's words: tables and topics as datasets, and where events go.

Events are lines of a file in the home, or go by HTTP to a server where one is set. They name columns and never hold
values of rows. A server that does not answer fails nobody: what could not be sent is counted, and said once.
"""

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import attr
from openlineage.client import OpenLineageClient, facet_v2
from openlineage.client.event_v2 import InputDataset, Job, OutputDataset, Run, RunEvent, RunState
from openlineage.client.transport import Transport
from openlineage.client.transport.file import FileConfig, FileTransport
from openlineage.client.transport.http import HttpConfig, HttpTransport

from infra.kafka.records import OffsetRange
from infra.settings import Settings
from schemas.model import Table
from schemas.render.bigquery import versioned_name
from schemas.render.cassandra import table_name

NAMESPACE = "tonearm"
"""Of jobs, of tables in the lake and of live tables; topics and stores are named as OpenLineage has it."""

EVENTS = Path("lineage") / "events.jsonl"
LIVE_EVENTS = EVENTS.with_name("live.jsonl")
"""Where events lie below the home: those of batch runs, which one lock keeps apart, and those of the live pipeline."""

PRODUCER = "urn:tonearm"
_HTTP_SECONDS = 5.0
OnLoss = Callable[[str, str], None]


@attr.define
class KafkaOffsetsFacet(facet_v2.InputDatasetFacet):
    """Offsets that were read of a topic: `from` included, `to` excluded, by partition."""

    topicId: str  # noqa: N815 - facets are spelled so
    partitions: list[dict[str, int]]

    @staticmethod
    def _get_schema() -> str:
        return "urn:tonearm:KafkaOffsetsFacet"


@attr.define
class TopicOffsets:
    """A topic and what an ingest has read of it; `ranges` grows while it reads."""

    bootstrap: str
    name: str
    topic_id: str
    ranges: list[OffsetRange] = attr.field(factory=list)


@attr.define
class Told:
    """One event to be: of which job and run, in which state and when, what was read and what written."""

    job: str
    run_id: str
    parent: tuple[str, str]  # run id and job name
    state: RunState
    inputs: list[InputDataset]
    outputs: list[OutputDataset]
    at: datetime = attr.field(factory=lambda: datetime.now(UTC))
    failure: str = ""
    processing: str = "BATCH"


class Sender:
    """Sends events of one process; `lost` counts those that could not be sent."""

    def __init__(self, settings: Settings, file: Path, on_loss: OnLoss | None = None) -> None:
        self._client = OpenLineageClient(transport=_transport(settings, file))
        self._on_loss = on_loss
        self.lost = 0

    def send(self, told: Told) -> None:
        """Send one event; never raises."""
        parent = facet_v2.parent_run
        parents = parent.ParentRunFacet(parent.Run(told.parent[0]), parent.Job(NAMESPACE, told.parent[1]))
        facets: dict[str, Any] = {"parent": parents}
        if told.failure:
            facets["errorMessage"] = facet_v2.error_message_run.ErrorMessageRunFacet(told.failure, "Python")
        kind = facet_v2.job_type_job.JobTypeJobFacet(told.processing, "TONEARM", "JOB")
        event = RunEvent(
            eventTime=told.at.isoformat(),
            producer=PRODUCER,
            run=Run(told.run_id, facets),
            job=Job(NAMESPACE, told.job, {"jobType": kind}),
            eventType=told.state,
            inputs=told.inputs,
            outputs=told.outputs,
        )
        try:
            self._client.emit(event)
        except Exception as error:
            # Whatever a transport raises: who only looks on must not stop a run.
            self.lost += 1
            if self.lost == 1 and self._on_loss:
                self._on_loss("lineage", f"is not sent: {type(error).__name__} from the server of TONEARM_LINEAGE_URL")


def described(table: Table, version: int | None = None) -> dict[str, Any]:
    """Facets of a table by its declaration; `version` is Delta's, of a table in the lake."""
    schema, tags = facet_v2.schema_dataset, facet_v2.tags_dataset
    owner, versions = facet_v2.ownership_dataset, facet_v2.dataset_version_dataset
    fields = [schema.SchemaDatasetFacetFields(one.name, one.type, one.description) for one in table.stored_fields]
    personal = [
        tags.TagsDatasetFacetFields("personal", "true", "declaration", one.name) for one in table.fields if one.personal
    ]
    facets = {
        "schema": schema.SchemaDatasetFacet(fields),
        "documentation": facet_v2.documentation_dataset.DocumentationDatasetFacet(table.description),
        "ownership": owner.OwnershipDatasetFacet([owner.Owner(table.owner)]),
        "tags": tags.TagsDatasetFacet(personal),
    }
    return facets if version is None else facets | {"version": versions.DatasetVersionDatasetFacet(str(version))}


def topic_input(topic: TopicOffsets) -> InputDataset:
    """The topic with the offsets that were read of it."""
    partitions = [{"partition": one.partition, "from": one.start, "to": one.end} for one in topic.ranges]
    offsets = KafkaOffsetsFacet(topicId=topic.topic_id, partitions=partitions)
    return InputDataset(f"kafka://{topic.bootstrap}", topic.name, {"tonearm_kafkaOffsets": offsets})


def stored_in(settings: Settings, table: Table) -> dict[str, tuple[str, str]]:
    """Store → namespace and name, as OpenLineage has them, of the table in each store that it is declared for."""
    found = {}
    if table.warehouse:
        dataset = f"{settings.bigquery_dataset_prefix}{table.layer}"
        found["bigquery"] = ("bigquery", f"{settings.bigquery_project}.{dataset}.{versioned_name(table)}")
    if table.serving:
        host = settings.cassandra_hosts.partition(",")[0] or "127.0.0.1"
        address = f"cassandra://{host}:{settings.cassandra_port}"
        found["cassandra"] = (address, f"{settings.cassandra_keyspace}.{table_name(table)}")
    return found


def edges(events: Sequence[dict[str, Any]]) -> set[tuple[str, str]]:
    """(input, output) names that events of what was done, or is being done, tell of."""
    told = (RunState.COMPLETE.value, RunState.RUNNING.value)
    return {
        (source["name"], target["name"])
        for event in events
        if event["eventType"] in told
        for source in event["inputs"]
        for target in event["outputs"]
    }


def stored_events(home: Path, file: Path = EVENTS) -> list[dict[str, Any]]:
    """All events in a file of the home, oldest first; a line that a dying run cut off is left out."""
    try:
        lines = (home / file).read_text().splitlines()
    except FileNotFoundError:
        return []
    return [event for line in lines if (event := _parsed(line))]


def _parsed(line: str) -> dict[str, Any] | None:
    try:
        event: dict[str, Any] = json.loads(line)
    except json.JSONDecodeError:
        return None
    return event


def _transport(settings: Settings, file: Path) -> Transport:
    if settings.lineage_url:
        return HttpTransport(HttpConfig(url=settings.lineage_url, timeout=_HTTP_SECONDS, retry={"total": 1}))
    path = settings.home.resolve() / file
    path.parent.mkdir(parents=True, exist_ok=True)
    return FileTransport(FileConfig(log_file_path=str(path), append=True))
