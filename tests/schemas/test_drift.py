"""Every kind of drift, in every place where it can be, has its verdict; and the docs page says the same."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from schemas import drift_kinds as kinds
from schemas.drift import Change, Column, Shape, drift, refused
from schemas.drift_kinds import KINDS, Kind, Place
from schemas.event_drift import event_drift
from schemas.model import Event, Field
from schemas.render.avro import avro_schema
from schemas.render.drift import kinds_table

COLUMNS = (Column("id", "string", False), Column("n", "int", True), Column("m", "long", False))
EVENT = Event(
    "E",
    1,
    "An event.",
    (
        Field("id", "string", "Id."),
        Field("n", "int", "Number.", nullable=True),
        Field("m", "long", "Number."),
        Field("at", "timestamp", "Moment."),
    ),
)

Edit = Callable[[tuple[Column, ...]], tuple[Column, ...]]


def base(place: Place) -> Shape:
    """A table as declared and as it is, in each place."""
    match place:
        case "cassandra":
            long = replace(COLUMNS[2], type="bigint")
            return Shape(
                place,
                (*COLUMNS[:2], long),
                partition_by=("id",),
                order=("m ASC",),
                description="D.",
                retention_days=14,
            )
        case "bigquery":
            return Shape(place, COLUMNS, partition_by=("m",), order=("id",), description="D.", retention_days=14)
        case "lake":
            return Shape(place, COLUMNS, key=("id",), partition_by=("m",), checks="c", description="D.")
        case _:
            return Shape(place, COLUMNS)


def changed(name: str, **changes: object) -> Edit:
    return lambda columns: tuple(replace(one, **changes) if one.name == name else one for one in columns)  # type: ignore[arg-type]


def without(*names: str) -> Edit:
    return lambda columns: tuple(one for one in columns if one.name not in names)


def with_(*more: Column) -> Edit:
    return lambda columns: (*columns, *more)


NULLABLE, REQUIRED = Column("x", "string", True), Column("x", "string", False)

# (what changes in the declaration, what changes in what is found): the declared shape is compared with the found one
COLUMN_EDITS: dict[Kind, tuple[Edit, Edit]] = {
    kinds.ADDED_NULLABLE: (with_(NULLABLE), with_()),
    kinds.ADDED_REQUIRED: (with_(REQUIRED), with_()),
    kinds.REMOVED: (with_(), with_(NULLABLE)),
    kinds.RENAMED: (with_(NULLABLE), with_(replace(NULLABLE, name="y"))),
    kinds.WIDENED: (with_(Column("w", "long", True)), with_(Column("w", "int", True))),
    kinds.NARROWED: (with_(Column("w", "int", True)), with_(Column("w", "long", True))),
    kinds.TYPE_CHANGED: (with_(Column("w", "date", True)), with_(Column("w", "string", True))),
    kinds.BECAME_REQUIRED: (changed("n", nullable=False), with_()),
    kinds.BECAME_NULLABLE: (changed("m", nullable=True), with_()),
    kinds.REORDERED: (lambda columns: columns[::-1], with_()),
    kinds.UNKNOWN_NULLABLE: (with_(), with_(NULLABLE)),
    kinds.UNKNOWN_REQUIRED: (with_(), with_(REQUIRED)),
}
SHAPE_EDITS: dict[Kind, dict[str, object]] = {
    kinds.KEY_CHANGED: {"key": ("id", "n")},
    kinds.PARTITION_CHANGED: {"partition_by": ("n",)},
    kinds.CLUSTERING_CHANGED: {"order": ("n",)},
    kinds.SERVING_KEY_CHANGED: {"order": ("m DESC",)},
    kinds.SERVING_MODE_CHANGED: {"partition_by": ("generation", "id")},
    kinds.CHECKS_CHANGED: {"checks": "d"},
    kinds.RETENTION_CHANGED: {"retention_days": 7},
    kinds.DESCRIBED: {"description": "Another."},
    kinds.WAREHOUSE_VERSION: {"version": 2},
    kinds.SERVING_VERSION: {"version": 2},
}


def written(*events: Event) -> dict[int, dict[str, object]]:
    return {one.version: avro_schema(one) for one in events}


SECOND = replace(EVENT, version=2, fields=(*EVENT.fields, Field("x", "string", "X.", nullable=True)))
ADDED = Change("event", "E version 1 to 2", kinds.ADDED_NULLABLE, "x")
EVENT_CASES: dict[Kind, tuple[tuple[Event, ...], dict[int, dict[str, object]], list[Change]]] = {
    kinds.EVENT_ADDED: (
        (EVENT, SECOND),
        written(EVENT),
        [Change("event", "E", kinds.EVENT_ADDED, "version 2"), ADDED],
    ),
    kinds.EVENT_REMOVED: (
        (SECOND,),
        written(EVENT, SECOND),
        [Change("event", "E", kinds.EVENT_REMOVED, "version 1")],
    ),
    kinds.EVENT_EDITED: (
        (replace(EVENT, description="Another."), SECOND),
        written(EVENT, SECOND),
        [Change("event", "E", kinds.EVENT_EDITED, "version 1"), ADDED],
    ),
    kinds.EVENT_COLLISION: (
        (EVENT, replace(EVENT, version=2, fields=(*EVENT.fields[:3], Field("at", "long", "Other words.")))),
        written(EVENT, replace(EVENT, version=2, fields=(*EVENT.fields[:3], Field("at", "long", "Other words.")))),
        [
            Change("event", "E", kinds.EVENT_COLLISION, "versions 1 and 2"),
            Change("event", "E version 1 to 2", kinds.TYPE_CHANGED, "at: timestamp to long"),
        ],
    ),
}
CASES = [(kind, place) for kind in KINDS for place in kind.verdicts]
OF_SHAPES = [(kind, place) for kind, place in CASES if kind in COLUMN_EDITS or kind in SHAPE_EDITS]


def case(one: object) -> str:
    return one.name if isinstance(one, Kind) else str(one)


@pytest.mark.parametrize(("kind", "place"), OF_SHAPES, ids=case)
def test_a_difference_is_the_kind_it_is_and_no_other(kind: Kind, place: Place) -> None:
    declared, found = base(place), base(place)
    if kind in SHAPE_EDITS:
        declared = replace(declared, **SHAPE_EDITS[kind])  # type: ignore[arg-type]
    else:
        after, before = COLUMN_EDITS[kind]
        wide = {"long": "bigint"} if place == "cassandra" else {}
        declared, found = (
            replace(
                one, columns=tuple(replace(each, type=wide.get(each.type, each.type)) for each in edit(one.columns))
            )
            for one, edit in ((declared, after), (found, before))
        )

    (change,) = drift("t", declared, found)

    assert (change.kind, change.place, change.of) == (kind, place, "t")
    assert change.verdict == kind.verdicts[place]


@pytest.mark.parametrize("kind", EVENT_CASES, ids=case)
def test_a_released_version_that_is_gone_edited_or_mistakable_is_said(kind: Kind) -> None:
    released, stored, expected = EVENT_CASES[kind]
    assert list(event_drift(released, stored)) == expected


def test_a_table_that_is_not_there_is_new_in_every_place() -> None:
    for place in kinds.NEW_TABLE.verdicts:
        (change,) = drift("t", base(place), None)
        assert change == Change(place, "t", kinds.NEW_TABLE)


@pytest.mark.parametrize("place", ["event", "lake", "bigquery", "cassandra"])
def test_what_is_as_declared_has_not_drifted(place: Place) -> None:
    assert drift("t", base(place), base(place)) == ()


def test_what_is_not_known_of_a_place_is_not_compared() -> None:
    found = replace(base("lake"), key=None, checks=None)
    assert drift("t", base("lake"), found) == ()


def test_a_retention_is_said_in_days_and_one_that_is_not_declared_is_left_to_the_store() -> None:
    found = base("bigquery")
    (longer,) = drift("t", replace(found, retention_days=30), found)
    (first,) = drift("t", found, replace(found, retention_days=None))
    assert (longer.about, first.about) == ("14 to 30 days", "no to 14 days")
    assert drift("t", replace(found, retention_days=None), found) == ()


def test_several_differences_are_several_changes() -> None:
    declared = replace(base("lake"), columns=(*COLUMNS[:2], NULLABLE), key=("n",))
    found = [(change.kind, change.about) for change in drift("t", declared, base("lake"))]
    assert found == [
        (kinds.ADDED_NULLABLE, "x"),
        (kinds.REMOVED, "m"),
        (kinds.KEY_CHANGED, "id to n"),
    ]


def test_every_kind_is_tried_in_every_place_it_can_be_in() -> None:
    tried = {*COLUMN_EDITS, *SHAPE_EDITS, *EVENT_CASES, kinds.NEW_TABLE, kinds.DROPPED_TABLE}
    assert tried == set(KINDS)
    assert len(KINDS) >= 24
    assert len({kind.name for kind in KINDS}) == len(KINDS)


def test_what_is_refused_says_what_to_do() -> None:
    for kind in KINDS:
        assert ("refused" in kind.verdicts.values()) == bool(kind.instead)
        for place in kind.verdicts:
            change = Change(place, "t", kind, "x")
            assert change.sentence.startswith(f"t, {place}: {kind.name} (x); {kind.because}")
            assert (kind.instead in change.sentence) if change in refused([change]) else True


def test_a_collision_is_what_avro_calls_the_same_fingerprint() -> None:
    from fastavro.schema import fingerprint, to_parsing_canonical_form

    for released, _, expected in EVENT_CASES.values():
        prints = [
            fingerprint(to_parsing_canonical_form(json.loads(json.dumps(avro_schema(one)))), "CRC-64-AVRO")
            for one in released
        ]
        said = any(change.kind is kinds.EVENT_COLLISION for change in expected)
        assert (len(set(prints)) < len(prints)) == said


def test_the_page_shows_the_list() -> None:
    assert kinds_table() in (Path(__file__).parents[2] / "docs" / "evolution.md").read_text()
