"""The shape of serving tables: what was made is as declared, a column is added, another key is another version."""

from dataclasses import replace
from typing import Any

import pytest

from infra.serving_store.session import ServingSession
from infra.serving_store.shape import declared_shape, found_shape
from infra.serving_store.tables import create_serving_table
from schemas import catalog
from schemas.drift import drift
from schemas.drift_kinds import (
    ADDED_NULLABLE,
    RETENTION_CHANGED,
    SERVING_KEY_CHANGED,
    SERVING_MODE_CHANGED,
    SERVING_VERSION,
    TYPE_CHANGED,
    UNKNOWN_NULLABLE,
    WIDENED,
    Kind,
)
from schemas.errors import MigrationError
from schemas.gold import COUNTRY_CHARTS, DAILY_USER_PLAYS
from schemas.live import MINUTE_TRACK_PLAYS, MINUTE_USER_PLAYS
from schemas.model import Field, Live, Serving, Snapshot, Table
from schemas.render.cassandra import table_name

SERVED = [one for one in catalog.tables().values() if one.serving]
MOOD = Field("mood", "string", "What for.", nullable=True)


def kinds(serving: ServingSession, table: Table) -> list[tuple[Kind, str]]:
    found = drift(table.full_name, declared_shape(table), found_shape(serving, table))
    return [(one.kind, one.about) for one in found]


def other(table: Table, name: str, **changes: Any) -> Table:
    return replace(table, fields=tuple(replace(one, **changes) if one.name == name else one for one in table.fields))


@pytest.mark.parametrize("table", SERVED, ids=lambda table: table.full_name)
def test_a_table_that_was_just_made_is_as_declared(table: Table, serving: ServingSession) -> None:
    assert found_shape(serving, table) is None
    create_serving_table(serving, table)
    assert kinds(serving, table) == []


@pytest.mark.parametrize("table", [DAILY_USER_PLAYS, COUNTRY_CHARTS], ids=lambda table: table.full_name)
def test_a_new_column_is_added(table: Table, serving: ServingSession) -> None:
    create_serving_table(serving, table)
    wider = replace(table, fields=(*table.fields, MOOD))
    assert kinds(serving, wider) == [(ADDED_NULLABLE, "mood")]
    create_serving_table(serving, wider)
    assert kinds(serving, wider) == []
    assert kinds(serving, table) == [(UNKNOWN_NULLABLE, "mood")]


@pytest.mark.parametrize("table", [MINUTE_USER_PLAYS, MINUTE_TRACK_PLAYS], ids=lambda table: table.full_name)
def test_a_table_of_before_gets_the_declared_retention(table: Table, serving: ServingSession) -> None:
    """As it was made before there were retentions, and with another one."""
    create_serving_table(serving, replace(table, refresh=Snapshot()))
    assert kinds(serving, table) == [(RETENTION_CHANGED, "no to 14 days")]
    create_serving_table(serving, table)
    assert kinds(serving, table) == []
    shorter = replace(table, refresh=Live(7))
    assert kinds(serving, shorter) == [(RETENTION_CHANGED, "14 to 7 days")]
    create_serving_table(serving, shorter)
    assert kinds(serving, shorter) == []


TURNED = Serving("upsert", partition_key=("user_id",), clustering=("event_date",))
SNAPSHOT = Serving("snapshot", partition_key=("user_id",), clustering=("event_date",), descending=("event_date",))


@pytest.mark.parametrize(
    ("declared", "kind"),
    [
        (replace(DAILY_USER_PLAYS, serving=TURNED), SERVING_KEY_CHANGED),
        (replace(DAILY_USER_PLAYS, serving=SNAPSHOT), SERVING_MODE_CHANGED),
        (other(DAILY_USER_PLAYS, "played_ms", type="string"), TYPE_CHANGED),
    ],
    ids=["key", "mode", "type"],
)
def test_what_cannot_be_changed_is_refused_and_is_another_version(
    declared: Table, kind: Kind, serving: ServingSession
) -> None:
    create_serving_table(serving, DAILY_USER_PLAYS)
    with pytest.raises(MigrationError, match=rf"gold.daily_user_plays, cassandra: {kind.name}.* raise the `version`"):
        create_serving_table(serving, declared)

    assert declared.serving is not None
    raised = replace(declared, serving=replace(declared.serving, version=2))
    assert kinds(serving, raised) == [(SERVING_VERSION, "1 to 2")]
    create_serving_table(serving, raised)

    assert table_name(raised) == "gold_daily_user_plays_v2"
    assert kinds(serving, raised) == kinds(serving, DAILY_USER_PLAYS) == []


def test_an_int_cannot_become_a_bigint(serving: ServingSession) -> None:
    create_serving_table(serving, COUNTRY_CHARTS)
    assert kinds(serving, other(COUNTRY_CHARTS, "position", type="long")) == [(WIDENED, "position: int to bigint")]
