"""A released event version never changes, and what is released stays readable."""

import json
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import pytest
from fastavro.schema import fingerprint, to_parsing_canonical_form

from schemas.compatibility import reading_problems
from schemas.events import CURRENT, RELEASED
from schemas.model import Event, Field
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


@pytest.mark.parametrize("writer", RELEASED, ids=lambda event: f"v{event.version}")
def test_the_current_version_reads_every_released_one(writer: Event) -> None:
    assert reading_problems(CURRENT, writer) == []


V1 = Event("E", 1, "An event.", (Field("id", "string", "Id."), Field("n", "int", "Number.", nullable=True)))

NEXT: dict[str, tuple[tuple[Field, ...], list[str]]] = {
    "the same": (V1.fields, []),
    "a removed field": (V1.fields[:1], []),
    "an added nullable field": ((*V1.fields, Field("x", "long", "X.", nullable=True)), []),
    "an added required field": (
        (*V1.fields, Field("x", "long", "X.")),
        ["Version 2 adds x, which must be nullable to read older records."],
    ),
    "int to long": ((V1.fields[0], Field("n", "long", "Number.", nullable=True)), []),
    "int to string": (
        (V1.fields[0], Field("n", "string", "Number.", nullable=True)),
        ["n cannot turn from int into string."],
    ),
    "required to nullable": ((replace(V1.fields[0], nullable=True), V1.fields[1]), []),
    "nullable to required": (
        (V1.fields[0], replace(V1.fields[1], nullable=False)),
        ["n was nullable and cannot become required."],
    ),
}


@pytest.mark.parametrize("change", NEXT)
def test_a_next_version_is_held_against_what_is_released(change: str) -> None:
    fields, problems = NEXT[change]
    assert reading_problems(Event("E", 2, "An event.", fields), V1) == problems


def test_a_long_cannot_become_an_int() -> None:
    wide = replace(V1, fields=(V1.fields[0], Field("n", "long", "Number.", nullable=True)))
    assert reading_problems(replace(V1, version=2), wide) == ["n cannot turn from long into int."]


def test_another_event_cannot_be_read() -> None:
    assert reading_problems(replace(V1, name="F"), V1) == ["F is another event than E."]
