"""Lineage of a life of the live pipeline: what it tells at its start, and at an end that it chose."""

from pathlib import Path
from typing import Any

import pytest

from infra.openlineage_events import LIVE_EVENTS, stored_events
from infra.settings import Settings
from pipelines.lineage import streaming
from pipelines.progress import write_progress
from pipelines.source import PlaybackLog
from pipelines.transforms.elements import Changes
from pipelines.transforms.rules import Rules
from schemas.errors import StoreUnavailableError


def has_read(home: Path, run_number: int) -> None:
    home.mkdir(parents=True, exist_ok=True)
    write_progress(home, run_number, Rules(), Changes(0, 1, 0, caught_up=True, offsets={0: 8, 1: 2}))


SOURCE = PlaybackLog("events", "T", {0: 5, 1: 0}, {0: 9, 1: 0}, {"sasl.password": "secret"})
TABLE = "live.minute_track_plays"


def told(settings: Settings) -> list[dict[str, Any]]:
    return [event for event in stored_events(settings.home, LIVE_EVENTS) if event["job"]["name"] == TABLE]


def ranges(event: dict[str, Any]) -> list[dict[str, Any]]:
    (topic,) = event["inputs"]
    return topic["inputFacets"]["tonearm_kafkaOffsets"]["partitions"]


def test_a_life_tells_where_it_begins_to_read_and_what_it_writes(settings: Settings) -> None:
    with streaming(settings, "broker:9092", SOURCE, 3):
        started, running = told(settings)
    assert (started["eventType"], running["eventType"]) == ("START", "RUNNING")
    assert started["job"]["facets"]["jobType"]["processingType"] == "STREAMING"
    assert ranges(started) == [{"partition": 0, "from": 5, "to": 5}, {"partition": 1, "from": 0, "to": 0}]
    (output,) = started["outputs"]
    assert output["name"] == TABLE
    names = [one["name"] for one in output["facets"]["symlinks"]["identifiers"]]
    assert names == ["tonearm-local.live.minute_track_plays_v1", "tonearm.live_minute_track_plays"]


def test_an_end_tells_up_to_where_this_life_had_read(settings: Settings) -> None:
    with streaming(settings, "broker:9092", SOURCE, 3):
        has_read(settings.home, 3)
    assert told(settings)[-1]["eventType"] == "COMPLETE"
    assert ranges(told(settings)[-1]) == [{"partition": 0, "from": 5, "to": 8}, {"partition": 1, "from": 0, "to": 2}]


def test_what_an_earlier_life_had_read_is_not_said_of_this_one(settings: Settings) -> None:
    has_read(settings.home, 2)
    with streaming(settings, "broker:9092", SOURCE, 3):
        pass
    assert ranges(told(settings)[-1]) == [{"partition": 0, "from": 5, "to": 5}, {"partition": 1, "from": 0, "to": 0}]


def test_a_failure_is_told_with_its_sentence_and_no_password_is(settings: Settings) -> None:
    with pytest.raises(StoreUnavailableError), streaming(settings, "broker:9092", SOURCE, 3):
        raise StoreUnavailableError("Cassandra does not answer.")
    assert told(settings)[-1]["eventType"] == "FAIL"
    assert told(settings)[-1]["run"]["facets"]["errorMessage"]["message"] == "Cassandra does not answer."
    assert "secret" not in (settings.home / LIVE_EVENTS).read_text()


def test_of_a_life_that_is_only_submitted_here_no_end_is_told(settings: Settings) -> None:
    with streaming(settings, "broker:9092", SOURCE, 3, detached=True):
        pass
    assert [event["eventType"] for event in told(settings)] == ["START", "RUNNING"]
