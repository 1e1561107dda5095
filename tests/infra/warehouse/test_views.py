"""Views over the statistics in the BigQuery stand-in: the ranges are those of the calendar, on any day."""

import uuid
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from infra.warehouse.client import Warehouse, warehouse
from infra.warehouse.shape import stored_table
from infra.warehouse.tables import create_tables, create_view
from infra.warehouse.views import create_period_view, create_views_over
from schemas.periods import start_of
from schemas.render.bigquery_views import period_ranges
from schemas.statistics import ENTITY_NAMES, LISTENER_PERIODS, LISTENER_TOPS
from schemas.views import KINDS, VIEWS

DAYS = [
    *(date(2026, 11, 23) + timedelta(days=n) for n in range(8)),  # each weekday
    *(date(2026, month, day) for month in range(1, 13) for day in (1, 28)),
    date(2024, 2, 29),
    date(2027, 1, 1),
]


@pytest.fixture
def house(stack: Any) -> Iterator[Warehouse]:
    prefix = f"v{uuid.uuid4().hex[:8]}_"
    with warehouse(stack.settings.model_copy(update={"bigquery_dataset_prefix": prefix}), stack.endpoints) as opened:
        yield opened


def published(house: Warehouse, *tables: Any) -> None:
    for table in tables:
        create_tables(house, table)
        create_view(house, table)


def test_the_ranges_of_a_day_are_periods_of_the_calendar(house: Warehouse) -> None:
    of_a_day = period_ranges().replace("CURRENT_DATE('UTC')", "today")
    days = " UNION ALL ".join(f"SELECT DATE '{day}' AS today" for day in DAYS)
    # The stand-in says of a date that it takes days off that it is a moment.
    start = "CAST(period_start AS DATE) AS period_start"
    every = " UNION ALL ".join(
        f"SELECT today, period_range, {start} FROM (SELECT today, {one} FROM ({days}))"
        for one in (line.strip().removeprefix("SELECT ") for line in of_a_day.splitlines() if "SELECT" in line)
    )
    _, rows = house.run(every)
    found = {(row["today"], row["period_range"]): row["period_start"] for row in rows}
    for day in DAYS:
        for kind in KINDS:
            this = start_of(kind, day)
            assert found[day, f"this_{kind}"] == this, (day, kind)
            assert found[day, f"last_{kind}"] == start_of(kind, this - timedelta(days=1)), (day, kind)


def test_a_view_is_made_when_the_last_of_its_tables_is_published(house: Warehouse) -> None:
    published(house, LISTENER_TOPS)
    create_views_over(house, LISTENER_TOPS)
    assert stored_table(house, LISTENER_TOPS, "this_listener_tops") is None

    published(house, ENTITY_NAMES)
    create_views_over(house, ENTITY_NAMES)
    create_views_over(house, ENTITY_NAMES)

    made = stored_table(house, LISTENER_TOPS, "this_listener_tops")
    assert made is not None
    said = {column.name: column.description for column in made.schema}
    assert said == {field.name: field.description for field in VIEWS[0].fields}
    assert stored_table(house, LISTENER_TOPS, "this_area_tops") is None


def test_only_cells_of_now_and_before_are_shown(house: Warehouse) -> None:
    published(house, LISTENER_PERIODS)
    today = datetime.now(UTC).date()
    long_ago = start_of("year", today).replace(year=today.year - 2)
    starts = {
        "all_time": [date(1970, 1, 1)],
        "year": [long_ago, start_of("year", today), start_of("year", start_of("year", today) - timedelta(days=1))],
        "month": [start_of("month", today)],
    }
    for kind, several in starts.items():
        for start in several:
            house.run(_insert(house, kind, start))
    create_period_view(house, next(view for view in VIEWS if view.of is LISTENER_PERIODS))

    _, rows = house.run(f"SELECT * FROM `{house.path(LISTENER_PERIODS, 'this_listener_periods')}`")

    found = {(row["period_range"], row["period_start"]) for row in rows}
    assert found == {
        ("this_year", start_of("year", today)),
        ("last_year", start_of("year", start_of("year", today) - timedelta(days=1))),
        ("this_month", start_of("month", today)),
    }


def _insert(house: Warehouse, kind: str, start: date) -> str:
    stand_ins = {"string": "'x'", "long": "1", "timestamp": "CURRENT_TIMESTAMP()"}
    given = {"period_kind": f"'{kind}'", "period_start": f"DATE '{start}'"}
    values = {field.name: given.get(field.name) or stand_ins[field.type] for field in LISTENER_PERIODS.stored_fields}
    values |= {"publish_number": "1", "delta_version": "0"}
    path = house.path(LISTENER_PERIODS, "listener_periods_v1")
    return f"INSERT INTO `{path}` ({', '.join(values)}) VALUES ({', '.join(values.values())})"
