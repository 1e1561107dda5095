"""Spark DDL of declared fields."""

import pytest

from schemas.catalog import tables
from schemas.model import Field
from schemas.render.spark import spark_ddl

FIELDS = (
    Field("track_id", "string", "The source's own id."),
    Field("key", "binary", r"Raw \ bytes.", nullable=True),
    Field("offline", "boolean", "Flag.", nullable=True),
    Field("partition", "int", "Partition."),
    Field("offset", "long", "Offset."),
    Field("appended_at", "timestamp", "Time."),
    Field("event_date", "date", "Date."),
    Field("headers", "headers", "Headers.", nullable=True),
)


def test_each_type_has_its_ddl_with_nulls_and_escaped_comments() -> None:
    assert spark_ddl(FIELDS).split(", `") == [
        r"`track_id` STRING NOT NULL COMMENT 'The source\'s own id.'",
        r"key` BINARY COMMENT 'Raw \\ bytes.'",
        "offline` BOOLEAN COMMENT 'Flag.'",
        "partition` INT NOT NULL COMMENT 'Partition.'",
        "offset` BIGINT NOT NULL COMMENT 'Offset.'",
        "appended_at` TIMESTAMP NOT NULL COMMENT 'Time.'",
        "event_date` DATE NOT NULL COMMENT 'Date.'",
        "headers` ARRAY<STRUCT<key: STRING, value: BINARY>> COMMENT 'Headers.'",
    ]


@pytest.mark.parametrize("name", tables())
def test_every_table_renders_each_stored_field_once(name: str) -> None:
    fields = tables()[name].stored_fields
    assert spark_ddl(fields).count(" COMMENT '") == len(fields)
