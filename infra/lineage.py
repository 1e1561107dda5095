"""OpenLineage events of what a run writes.

Each table has its inputs, schema, version and size, and the ledger the Kafka offsets that were read. Events are lines
of `<home>/lineage/events.jsonl`, or go by HTTP to a server where one is set. They name columns and never hold values of
rows. A server that does not answer fails no run: what could not be sent is counted, and said once.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import attr
from openlineage.client import OpenLineageClient, facet_v2
from openlineage.client.event_v2 import InputDataset, Job, OutputDataset, Run, RunEvent, RunState
from openlineage.client.transport import Transport
from openlineage.client.transport.file import FileConfig, FileTransport
from openlineage.client.transport.http import HttpConfig, HttpTransport
from openlineage.client.uuid import generate_new_uuid

from infra.kafka.records import OffsetRange
from infra.lake import Lake
from infra.settings import Settings
from infra.table_sizes import extent
from schemas import catalog
from schemas.errors import TonearmError
from schemas.model import Table

NAMESPACE = "tonearm"
"""Of jobs and of tables in the lake; a topic is `kafka://<bootstrap>` and its name, as OpenLineage has it."""

EVENTS = Path("lineage") / "events.jsonl"
"""Where events lie below the home."""

_PRODUCER = "urn:tonearm:batch"
_HTTP_SECONDS = 5.0


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


class Lineage:
    """Sends the events of one run; `name` is the job that its tables' jobs belong to."""

    def __init__(self, settings: Settings, name: str, on_loss: Callable[[str, str], None] | None = None) -> None:
        self._lake = Lake(settings.lake)
        self._client = OpenLineageClient(transport=_transport(settings))
        self._on_loss = on_loss
        self.lost = 0
        self.run_id = str(generate_new_uuid())
        self._name = name

    @contextmanager
    def writing(self, table: Table, topic: TopicOffsets | None = None) -> Iterator[None]:
        """Around what refreshes a table: events if it made a new version, or failed."""
        before, started = self._lake.version(table), datetime.now(UTC)
        try:
            yield
        except TonearmError as error:
            self._emit(table, topic, started, str(error))
            raise
        if self._lake.version(table) != before:
            self._emit(table, topic, started, "")

    def _emit(self, table: Table, topic: TopicOffsets | None, started: datetime, failure: str) -> None:
        run = Run(str(generate_new_uuid()), self._run_facets(failure))
        job = Job(
            NAMESPACE, table.full_name, {"jobType": facet_v2.job_type_job.JobTypeJobFacet("BATCH", "TONEARM", "JOB")}
        )
        inputs = [self._input(catalog.table(name)) for name in table.inputs]
        inputs += [_topic_input(topic)] if topic else []
        outputs = [self._output(table)]
        ended = RunState.FAIL if failure else RunState.COMPLETE
        for state, at in ((RunState.START, started), (ended, datetime.now(UTC))):
            event = RunEvent(
                eventTime=at.isoformat(),
                producer=_PRODUCER,
                run=run,
                job=job,
                eventType=state,
                inputs=inputs,
                outputs=outputs,
            )
            self._send(event)

    def _run_facets(self, failure: str) -> dict[str, Any]:
        parent = facet_v2.parent_run
        facets: dict[str, Any] = {
            "parent": parent.ParentRunFacet(parent.Run(self.run_id), parent.Job(NAMESPACE, self._name))
        }
        if failure:
            facets["errorMessage"] = facet_v2.error_message_run.ErrorMessageRunFacet(failure, "Python")
        return facets

    def _input(self, table: Table) -> InputDataset:
        return InputDataset(NAMESPACE, table.full_name, facets=self._described(table))

    def _output(self, table: Table) -> OutputDataset:
        size = extent(self._lake, table)
        statistics = facet_v2.output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet(
            size.rows, size.bytes, size.files
        )
        return OutputDataset(
            NAMESPACE, table.full_name, {"outputStatistics": statistics}, facets=self._described(table)
        )

    def _described(self, table: Table) -> dict[str, Any]:
        schema, tags = facet_v2.schema_dataset, facet_v2.tags_dataset
        owner = facet_v2.ownership_dataset
        fields = [schema.SchemaDatasetFacetFields(one.name, one.type, one.description) for one in table.stored_fields]
        personal = [
            tags.TagsDatasetFacetFields("personal", "true", "declaration", one.name)
            for one in table.fields
            if one.personal
        ]
        version = facet_v2.dataset_version_dataset.DatasetVersionDatasetFacet(str(self._lake.version(table)))
        return {
            "schema": schema.SchemaDatasetFacet(fields),
            "version": version,
            "documentation": facet_v2.documentation_dataset.DocumentationDatasetFacet(table.description),
            "ownership": owner.OwnershipDatasetFacet([owner.Owner(table.owner)]),
            "tags": tags.TagsDatasetFacet(personal),
        }

    def _send(self, event: RunEvent) -> None:
        try:
            self._client.emit(event)
        except Exception as error:
            # Whatever a transport raises: who only looks on must not stop a run.
            self.lost += 1
            if self.lost == 1 and self._on_loss:
                self._on_loss("lineage", f"is not sent: {type(error).__name__} from the server of TONEARM_LINEAGE_URL")


def edges(events: Sequence[dict[str, Any]]) -> set[tuple[str, str]]:
    """(input, output) names that completed events tell of."""
    return {
        (source["name"], target["name"])
        for event in events
        if event["eventType"] == RunState.COMPLETE.value
        for source in event["inputs"]
        for target in event["outputs"]
    }


def stored_events(home: Path) -> list[dict[str, Any]]:
    """All events in the home's file, oldest first; a line that a dying run cut off is left out."""
    try:
        lines = (home / EVENTS).read_text().splitlines()
    except FileNotFoundError:
        return []
    return [event for line in lines if (event := _parsed(line))]


def _parsed(line: str) -> dict[str, Any] | None:
    try:
        event: dict[str, Any] = json.loads(line)
    except json.JSONDecodeError:
        return None
    return event


def _topic_input(topic: TopicOffsets) -> InputDataset:
    partitions = [{"partition": one.partition, "from": one.start, "to": one.end} for one in topic.ranges]
    offsets = KafkaOffsetsFacet(topicId=topic.topic_id, partitions=partitions)
    return InputDataset(f"kafka://{topic.bootstrap}", topic.name, {"tonearm_kafkaOffsets": offsets})


def _transport(settings: Settings) -> Transport:
    if settings.lineage_url:
        return HttpTransport(HttpConfig(url=settings.lineage_url, timeout=_HTTP_SECONDS, retry={"total": 1}))
    file = settings.home.resolve() / EVENTS
    file.parent.mkdir(parents=True, exist_ok=True)
    return FileTransport(FileConfig(log_file_path=str(file), append=True))
