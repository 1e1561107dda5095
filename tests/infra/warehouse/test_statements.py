"""The statements and requests that are sent to BigQuery.

The stand-in does not prune partitions, enforce modes or keep descriptions of views as the real service does, so what
those need is asserted on the request itself.
"""

from dataclasses import replace
from datetime import date
from typing import Any, cast

import pyarrow as pa
import pytest
from google.api_core.exceptions import InternalServerError, RetryError
from google.cloud.bigquery import Client

from infra.local.stack import Endpoints
from infra.settings import Settings
from infra.warehouse.client import Warehouse, answering, warehouse
from infra.warehouse.merge import merge_rows
from infra.warehouse.shape import stored_schema
from infra.warehouse.statements import add_column_sql, merge_sql
from playback.arrow import arrow_schema
from schemas.errors import StoreUnavailableError
from schemas.gold import COUNTRY_CHARTS, DAILY_USER_PLAYS
from schemas.model import Field
from schemas.model import Warehouse as Declared

DATED = merge_sql(DAILY_USER_PLAYS, "p.gold", "staging", partitioned=True)
WHOLE = merge_sql(COUNTRY_CHARTS, "p.gold", "staging", partitioned=False)


class Recorder:
    """Stands in for the client: keeps what it is asked, and says that all went well."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = []
        self.num_dml_affected_rows = 2

    def __getattr__(self, name: str) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            self.calls.append((name, args, kwargs))
            return self if name in ("query", "load_table_from_file") else []

        return call

    def named(self, name: str) -> list[tuple[tuple[Any, ...], dict[str, Any]]]:
        return [(args, kwargs) for called, args, kwargs in self.calls if called == name]


@pytest.fixture
def recorder() -> Recorder:
    recorder = Recorder()
    rows = [{"event_date": date(2026, 1, 2), "user_id": "'; DROP", "input_positions": "{}"}]
    empty = dict.fromkeys(("playback_count", "play_count", "skip_count", "track_count", "played_ms"), 0)
    table = pa.Table.from_pylist([rows[0] | empty], schema=arrow_schema(DAILY_USER_PLAYS.stored_fields))
    dates = {date(2026, 1, 9), date(2026, 1, 2)}
    merge_rows(Warehouse(cast(Client, recorder), "p", "dev_"), DAILY_USER_PLAYS, table, 7, 3, dates)
    return recorder


def test_rows_are_staged_by_one_parquet_load_with_the_declared_schema(recorder: Recorder) -> None:
    [((_, target), options)] = recorder.named("load_table_from_file")
    assert target == "p.dev_gold.daily_user_plays_v1_staging_7"
    config = options["job_config"].to_api_repr()["load"]
    assert (config["sourceFormat"], config["writeDisposition"]) == ("PARQUET", "WRITE_TRUNCATE")
    declared = [(field.name, "NULLABLE" if field.nullable else "REQUIRED") for field in DAILY_USER_PLAYS.stored_fields]
    assert [(field["name"], field["mode"]) for field in config["schema"]["fields"]] == declared
    assert "size" not in options


def test_the_staging_table_is_deleted(recorder: Recorder) -> None:
    assert [args for args, _ in recorder.named("delete_table")] == [("p.dev_gold.daily_user_plays_v1_staging_7",)]


def test_the_merge_is_one_statement_with_bound_values(recorder: Recorder) -> None:
    merges = [(args[0], options) for args, options in recorder.named("query") if "staging_7" in args[0]]
    [(statement, options)] = merges
    assert "2026" not in statement
    bound = {one.name: getattr(one, "value", None) or one.values for one in options["job_config"].query_parameters}
    assert bound == {
        "table_name": "daily_user_plays_v1",
        "publish_number": 7,
        "delta_version": 3,
        "first_partition": date(2026, 1, 2),
        "last_partition": date(2026, 1, 9),
        "partitions": [date(2026, 1, 2), date(2026, 1, 9)],
    }


def test_every_request_has_a_time_limit(recorder: Recorder) -> None:
    assert all(kwargs.get("timeout") for _, _, kwargs in recorder.calls)


def test_a_dated_merge_deletes_within_its_dates_only() -> None:
    gone = next(line.strip() for line in DATED.splitlines() if "NOT EXISTS" in line)
    assert gone == (
        "WHERE stored.`event_date` BETWEEN @first_partition AND @last_partition AND "
        "stored.`event_date` IN UNNEST(@partitions) AND stored.`publish_number` < @publish_number AND NOT EXISTS "
        "(SELECT 1 FROM `p.gold.staging` AS staged WHERE stored.`event_date` = staged.`event_date` AND "
        "stored.`user_id` = staged.`user_id`)"
    )


def test_a_whole_merge_has_no_dates() -> None:
    assert "@partitions" not in WHOLE
    assert "BETWEEN" not in WHOLE
    assert "ON target.`country` = source.`country` AND target.`window_days`" in WHOLE


def test_a_merge_writes_the_number_and_the_version_but_never_the_key() -> None:
    update = next(line for line in DATED.splitlines() if line.strip().startswith("UPDATE SET"))
    assert "`publish_number` = source.`publish_number`, `delta_version` = source.`delta_version`" in update
    assert "`user_id` =" not in update


def test_the_number_and_the_version_follow_the_declared_columns() -> None:
    assert [column.name for column in stored_schema(COUNTRY_CHARTS)][-3:] == [
        "input_positions",
        "publish_number",
        "delta_version",
    ]


def test_an_added_column_is_nullable_and_its_description_cannot_end_the_statement() -> None:
    table = replace(COUNTRY_CHARTS, warehouse=Declared(version=2))
    statement = add_column_sql(table, "p.gold", Field("mood", "string", "It's \\new"), "STRING")
    assert statement == (
        "ALTER TABLE `p.gold.country_charts_v2` ADD COLUMN IF NOT EXISTS `mood` STRING "
        "OPTIONS (description = 'It\\'s \\\\new')"
    )


def test_the_service_of_ones_own_is_never_asked_anonymously(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    monkeypatch.setattr("infra.warehouse.client.Client", lambda **options: asked.append(options) or Recorder())
    own = "https://bigquery.example.com"
    for settings in (Settings(bigquery_endpoint=own), Settings()):
        with warehouse(settings, Endpoints(bigquery_url=settings.bigquery_endpoint or "http://127.0.0.1:1")):
            continue
    assert [options["credentials"] is None for options in asked] == [True, False]


def test_an_internal_error_that_stays_is_told_from_silence() -> None:
    with pytest.raises(StoreUnavailableError, match="internal error"), answering():
        raise RetryError("timeout", cause=InternalServerError("x"))
