"""Lineage events: to a file, to a server, and what becomes of a run when the server is gone."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, ClassVar

import pytest
from deltalake import write_deltalake

from infra.kafka.records import OffsetRange
from infra.lake import Lake
from infra.lineage import Lineage
from infra.openlineage_events import EVENTS, TopicOffsets, edges, stored_events
from infra.settings import Settings
from playback.arrow import arrow_schema
from schemas.bronze import PLAYBACK_EVENTS
from schemas.errors import CheckFailedError
from schemas.silver import TRACKS


@pytest.fixture
def server() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A server that takes events, and what it was sent."""
    taken: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version: ClassVar[str] = "HTTP/1.1"

        def do_POST(self) -> None:
            taken.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(201)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    listening = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=listening.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{listening.server_port}", taken
    listening.shutdown()
    thread.join()
    listening.server_close()


def write(settings: Settings) -> None:
    """A new version of the table, of no rows."""
    lake = Lake(settings.lake)
    lake.create(TRACKS)
    write_deltalake(lake.path(TRACKS), arrow_schema(TRACKS.stored_fields).empty_table(), mode="overwrite")


def test_a_table_that_gets_a_version_is_told_of_with_its_declared_inputs(settings: Settings) -> None:
    lineage = Lineage(settings, "run")
    with lineage.writing(TRACKS):
        write(settings)

    start, complete = stored_events(settings.home)
    assert (start["eventType"], complete["eventType"]) == ("START", "COMPLETE")
    assert start["run"]["runId"] == complete["run"]["runId"] != lineage.run_id
    assert complete["run"]["facets"]["parent"]["run"]["runId"] == lineage.run_id
    assert edges([start, complete]) == {("silver.plays", "silver.tracks")}
    assert complete["outputs"][0]["facets"]["version"]["datasetVersion"] == "1"


def test_a_table_that_stays_as_it_is_is_not_told_of(settings: Settings) -> None:
    write(settings)
    with Lineage(settings, "run").writing(TRACKS):
        pass
    assert stored_events(settings.home) == []


def test_a_failure_is_told_with_its_sentence_and_goes_on(settings: Settings) -> None:
    with pytest.raises(CheckFailedError), Lineage(settings, "run").writing(TRACKS):
        raise CheckFailedError("silver.tracks failed.")
    failed = stored_events(settings.home)[-1]
    assert failed["eventType"] == "FAIL"
    assert failed["run"]["facets"]["errorMessage"]["message"] == "silver.tracks failed."
    assert edges([failed]) == set()


def test_the_ledger_has_the_topic_and_the_offsets_that_were_read(settings: Settings) -> None:
    topic = TopicOffsets("broker:9092", "playback-events", "T")
    lake = Lake(settings.lake)
    with Lineage(settings, "run").writing(PLAYBACK_EVENTS, topic):
        lake.create(PLAYBACK_EVENTS)
        topic.ranges.extend([OffsetRange(0, 5, 9), OffsetRange(1, 0, 2)])

    (source,) = stored_events(settings.home)[-1]["inputs"]
    assert (source["namespace"], source["name"]) == ("kafka://broker:9092", "playback-events")
    offsets = source["inputFacets"]["tonearm_kafkaOffsets"]
    assert offsets["topicId"] == "T"
    assert offsets["partitions"] == [{"partition": 0, "from": 5, "to": 9}, {"partition": 1, "from": 0, "to": 2}]


def test_personal_columns_are_tagged(settings: Settings) -> None:
    with Lineage(settings, "run").writing(PLAYBACK_EVENTS):
        Lake(settings.lake).create(PLAYBACK_EVENTS)
    tags = stored_events(settings.home)[-1]["outputs"][0]["facets"]["tags"]["tags"]
    assert {tag["field"] for tag in tags if tag["key"] == "personal"} == {
        field.name for field in PLAYBACK_EVENTS.fields if field.personal
    }


def test_events_go_to_a_server_where_one_is_set(settings: Settings, server: tuple[str, list[dict[str, Any]]]) -> None:
    address, taken = server
    with Lineage(settings.model_copy(update={"lineage_url": address}), "run").writing(TRACKS):
        write(settings)
    assert [event["eventType"] for event in taken] == ["START", "COMPLETE"]
    assert not (settings.home / EVENTS).exists()


def test_a_server_that_is_gone_fails_no_run_and_is_said_once(settings: Settings) -> None:
    said: list[tuple[str, str]] = []
    gone = settings.model_copy(update={"lineage_url": "http://127.0.0.1:9"})
    lineage = Lineage(gone, "run", lambda what, step: said.append((what, step)))
    with lineage.writing(TRACKS):
        write(settings)
    assert lineage.lost == 2
    assert len(said) == 1
    assert "TONEARM_LINEAGE_URL" in said[0][1]


def test_a_line_that_a_dying_run_cut_off_is_left_out(settings: Settings) -> None:
    with Lineage(settings, "run").writing(TRACKS):
        write(settings)
    with (settings.home / EVENTS).open("a") as file:
        file.write('{"eventType": "STA')
    assert len(stored_events(settings.home)) == 2
