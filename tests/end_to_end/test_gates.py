"""A check that stops a run stops everything after it, and readers go on seeing what they saw; lineage tells of both."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer

from infra.openlineage_events import NAMESPACE, edges, stored_events, stored_in
from schemas import catalog
from schemas.checks import Between
from schemas.errors import CheckFailedError


@dataclass(frozen=True)
class Gated:
    """A deployment after a good run, a run that a check stopped, and one after the cause was removed."""

    made: Any
    first_events: list[dict[str, Any]]
    served: list[dict[str, Any]]
    sentence: str
    stopped_events: list[dict[str, Any]]


BESIDE = ("bronze.manifests", "bronze.catalogue_rows", "gold.restatements")
"""Tables that are computed from no others, and checked."""


@pytest.fixture(scope="module")
def gated(deployment: Callable[..., Any], export: Path, longer_export: Path) -> Gated:
    made = deployment(statistics=True)
    made.send(export)
    made.send(export)
    poison = Producer({"bootstrap.servers": made.endpoints.kafka_bootstrap})
    poison.produce(made.settings.playback_topic, b"\xff no event")
    assert poison.flush(30) == 0
    made.run()
    first, served = stored_events(made.settings.home), [made.served()]

    made.send(longer_export)
    plays = catalog.table("silver.plays")
    with pytest.MonkeyPatch.context() as patch:
        strict = replace(plays, checks=(*plays.checks, Between("ms_played", 0, 199_999)))
        patch.setitem(catalog.tables(), "silver.plays", strict)
        with pytest.raises(CheckFailedError) as stopped:
            made.run()
    served.append(made.served())
    events = stored_events(made.settings.home)[len(first) :]
    made.run()
    served.append(made.served())
    return Gated(made, first, served, str(stopped.value), events)


def test_what_was_published_before_is_served_on(gated: Gated) -> None:
    before, stopped, corrected = gated.served
    assert stopped == before
    assert corrected != before


def test_the_run_says_so_in_one_line(gated: Gated) -> None:
    assert "\n" not in gated.sentence
    assert gated.sentence.startswith("silver.plays version ")
    assert (
        "nothing after it was run or published: expect_column_values_to_be_between (column ms_played" in gated.sentence
    )


def test_the_failure_and_what_met_its_checks_are_rows_of_check_results(gated: Gated) -> None:
    rows = gated.made.rows("quality.check_results")
    failed = [row for row in rows if not row["is_met"] and row["severity"] == "stop"]
    assert [(row["checked_table"], row["check_name"]) for row in failed] == [
        ("silver.plays", "ms_played is 0 to 199999")
    ]
    assert failed[0]["unexpected_count"] > 0
    checked = {row["checked_table"] for row in rows if row["is_met"]}
    assert checked == {name for name, one in catalog.tables().items() if one.is_derived or name in BESIDE}


def test_the_lineage_of_a_run_is_the_graph_of_the_catalogue(gated: Gated) -> None:
    declared = {(name, one.full_name) for one in catalog.tables().values() for name in one.inputs}
    topic = gated.made.settings.playback_topic
    settings = gated.made.settings
    published = {
        (name, place) for name, one in catalog.lake_tables().items() for _, place in stored_in(settings, one).values()
    }
    assert {place.count(".") for _, place in published} == {1, 2}
    assert edges(gated.first_events) == declared | published | {(topic, "bronze.playback_events")}
    written = {one["name"] for event in gated.first_events for one in event["outputs"] if one["namespace"] == NAMESPACE}
    assert written == set(catalog.lake_tables())


def test_events_of_a_run_carry_its_id_schemas_versions_and_at_the_root_the_offsets(gated: Gated) -> None:
    parents = {event["run"]["facets"]["parent"]["run"]["runId"] for event in gated.first_events}
    assert len(parents) == 1
    done = {event["job"]["name"]: event for event in gated.first_events if event["eventType"] == "COMPLETE"}
    plays = done["silver.plays"]["outputs"][0]
    assert [field["name"] for field in plays["facets"]["schema"]["fields"]] == [
        field.name for field in catalog.table("silver.plays").stored_fields
    ]
    assert plays["facets"]["version"]["datasetVersion"] == "1"
    assert plays["outputFacets"]["outputStatistics"]["rowCount"] > 100
    (topic,) = done["bronze.playback_events"]["inputs"]
    ranges = topic["inputFacets"]["tonearm_kafkaOffsets"]["partitions"]
    assert {one["from"] for one in ranges} == {0}
    assert (
        sum(one["to"] for one in ranges)
        == done["bronze.playback_events"]["outputs"][0]["outputFacets"]["outputStatistics"]["rowCount"]
    )


def test_a_table_that_was_stopped_has_a_failed_event_and_nothing_after_it_has_any(gated: Gated) -> None:
    ended = {event["job"]["name"]: event for event in gated.stopped_events}
    assert ended["silver.plays"]["eventType"] == "FAIL"
    assert ended["silver.plays"]["run"]["facets"]["errorMessage"]["message"] == gated.sentence
    assert not [name for name in ended if name.startswith("gold.")]


def test_no_event_holds_a_value_of_a_row(gated: Gated) -> None:
    text = (gated.made.settings.home / "lineage" / "events.jsonl").read_text()
    assert gated.made.user_id not in text
    assert "Poolside" not in text
