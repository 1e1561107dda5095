"""A released event version never changes, and what is released stays readable."""

import json
from itertools import combinations
from pathlib import Path

import pytest
from fastavro.schema import fingerprint, to_parsing_canonical_form

from schemas.drift import refused
from schemas.event_drift import event_drift
from schemas.events import RELEASED
from schemas.model import Event
from schemas.render.avro import avro_schema

FOLDER = Path(__file__).parents[2] / "schemas" / "released"


def crc64(event: Event) -> str:
    return str(fingerprint(to_parsing_canonical_form(avro_schema(event)), "CRC-64-AVRO"))


@pytest.mark.parametrize("event", RELEASED, ids=lambda event: f"v{event.version}")
def test_a_released_version_is_rendered_as_it_was_released(event: Event) -> None:
    stored = (FOLDER / f"playback_event_v{event.version}.json").read_text()
    assert json.dumps(avro_schema(event), indent=2, ensure_ascii=False) + "\n" == stored


def test_every_stored_schema_is_of_a_released_version() -> None:
    assert {path.name for path in FOLDER.iterdir()} == {f"playback_event_v{one.version}.json" for one in RELEASED}


def test_the_fingerprint_of_version_1_is_what_clients_have_compiled_in() -> None:
    assert crc64(RELEASED[0]) == "04c5061d5eb82363"


def test_no_two_released_versions_share_a_fingerprint() -> None:
    assert all(crc64(one) != crc64(other) for one, other in combinations(RELEASED, 2))


def test_what_is_released_has_not_drifted_from_what_was_written_down() -> None:
    written = {int(path.stem.rpartition("_v")[2]): json.loads(path.read_text()) for path in FOLDER.iterdir()}
    assert refused(event_drift(RELEASED, written)) == []


def test_version_2_adds_what_clients_say_of_shuffling_and_of_private_sessions() -> None:
    written = {one.version: avro_schema(one) for one in RELEASED}
    assert [(one.kind.name, one.about) for one in event_drift(RELEASED, written)] == [
        ("field added, nullable", "shuffle"),
        ("field added, nullable", "private_session"),
    ]
