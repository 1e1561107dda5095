"""CQL of serving tables."""

from dataclasses import replace

import pytest

from schemas.catalog import table, tables
from schemas.errors import ContractError
from schemas.model import Field
from schemas.render.cassandra import alter_retention_cql, columns, create_index_cql, create_table_cql

USERS = table("gold.daily_user_plays")
CHARTS = table("gold.country_charts")


def test_an_upsert_table_is_keyed_by_what_readers_give_and_ordered_for_them() -> None:
    assert create_table_cql(USERS, "tonearm") == (
        'CREATE TABLE IF NOT EXISTS "tonearm"."gold_daily_user_plays" (\n'
        '  "event_date" date,\n'
        '  "user_id" text,\n'
        '  "playback_count" bigint,\n'
        '  "play_count" bigint,\n'
        '  "skip_count" bigint,\n'
        '  "track_count" bigint,\n'
        '  "played_ms" bigint,\n'
        '  "clean_playback_count" bigint,\n'
        '  "clean_play_count" bigint,\n'
        '  "clean_skip_count" bigint,\n'
        '  "clean_played_ms" bigint,\n'
        '  PRIMARY KEY (("user_id"), "event_date")\n'
        ') WITH CLUSTERING ORDER BY ("event_date" DESC) AND comment = \'Playbacks of each listener by day; '
        "one that is told of twice counts once. What is clean is 0 on a day on which the listener is flagged, and all "
        "of the day else. A listener is flagged on a day (UTC) of which more than 86,400,000 ms are heard, or which "
        "has 200 or more playbacks that last less than 45,000 ms in the mean.'"
    )


def test_a_snapshot_table_has_its_generation_first_in_the_partition_key() -> None:
    cql = create_table_cql(CHARTS, "tonearm").splitlines()
    assert cql[1] == '  "generation" bigint,'
    assert cql[-2] == '  PRIMARY KEY (("generation", "country", "window_days"), "position")'
    assert cql[-1].startswith(') WITH CLUSTERING ORDER BY ("position" ASC) AND comment = \'The most played')


def test_a_partition_of_one_row_has_no_order() -> None:
    assert USERS.serving is not None
    serving = replace(USERS.serving, partition_key=("user_id", "event_date"), clustering=(), descending=())
    cql = create_table_cql(replace(USERS, serving=serving), "tonearm").splitlines()
    assert cql[-2] == '  PRIMARY KEY (("user_id", "event_date"))'
    assert cql[-1].startswith(") WITH comment = 'Playbacks of each listener by day; one that is told of twice")


def test_an_indexed_column_is_found_over_all_partitions() -> None:
    assert create_index_cql(table("live.minute_user_sessions"), "tonearm") == (
        'CREATE INDEX IF NOT EXISTS "live_minute_user_sessions_window_start" ON "tonearm"."live_minute_user_sessions" '
        "(\"window_start\") USING 'sai'",
    )
    assert create_index_cql(USERS, "tonearm") == ()


def test_rows_of_a_table_with_a_retention_live_so_long() -> None:
    plays = table("live.minute_track_plays")
    assert " AND default_time_to_live = 1209600 AND comment" in create_table_cql(plays, "tonearm")
    assert alter_retention_cql(plays, "tonearm") == (
        'ALTER TABLE "tonearm"."live_minute_track_plays" WITH default_time_to_live = 1209600'
    )


def test_an_apostrophe_in_a_description_is_doubled() -> None:
    cql = create_table_cql(replace(USERS, description="A listener's days."), "tonearm")
    assert cql.endswith("AND comment = 'A listener''s days.'")


def test_the_columns_are_the_declared_fields_without_the_audit_column() -> None:
    assert [field.name for field in columns(USERS)] == [field.name for field in USERS.fields]
    assert [field.name for field in columns(CHARTS)] == ["generation", *(field.name for field in CHARTS.fields)]


@pytest.mark.parametrize("keyspace", ["Tonearm", 'a"b', "", "1a", "a" * 49])
def test_a_name_that_cassandra_would_not_take_is_refused(keyspace: str) -> None:
    with pytest.raises(ContractError, match="is no Cassandra name; use at most 48"):
        create_table_cql(USERS, keyspace)


def test_a_type_that_cassandra_cannot_serve_is_refused() -> None:
    odd = replace(USERS, fields=(*USERS.fields, Field("headers", "headers", "Headers.")))
    with pytest.raises(ContractError, match="headers is of type headers, which Cassandra cannot serve"):
        create_table_cql(odd, "tonearm")


def test_a_table_that_is_not_served_has_no_cql() -> None:
    with pytest.raises(ContractError, match=r"^silver\.plays is not served from Cassandra; give"):
        create_table_cql(table("silver.plays"), "tonearm")


@pytest.mark.parametrize("name", [name for name, one in tables().items() if one.serving])
def test_every_served_table_renders_under_its_layer_and_name(name: str) -> None:
    cql = create_table_cql(tables()[name], "tonearm")
    assert cql.startswith(f'CREATE TABLE IF NOT EXISTS "tonearm"."{name.replace(".", "_")}" (')
