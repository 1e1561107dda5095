"""The views of this week to last year, as text: DuckDB says in the tests of the warehouse what they select."""

import pytest

from schemas import catalog
from schemas.render.bigquery_views import period_ranges, period_view_query, period_view_sql
from schemas.views import PERIOD_RANGE, VIEWS, View, views_over


def test_a_view_selects_its_tables_cells_of_the_ranges_with_names() -> None:
    tops = VIEWS[0]
    query = period_view_query(tops, "p", "d")
    assert query.startswith("SELECT\n  ranges.`period_range`,\n  cells.`period_kind`,\n")
    assert "FROM `p.d.listener_tops` AS cells\nJOIN (\n" in query
    assert "  names.`artist_name`\nFROM" in query
    assert query.endswith(
        "LEFT JOIN `p.d.entity_names` AS names\n"
        "  ON names.entity_type = cells.entity_type AND names.entity_id = cells.entity_id"
    )
    assert period_view_sql(tops, "p", "d").startswith(
        'CREATE OR REPLACE VIEW `p.d.this_listener_tops`\nOPTIONS (description = "What each listener plays most now:'
    )


def test_every_kind_of_period_but_all_time_has_this_one_and_the_one_before() -> None:
    text = period_ranges()
    assert text.count("UNION ALL") == 9
    for kind in ("week", "month", "quarter", "half_year", "year"):
        assert f"'this_{kind}' AS period_range, '{kind}' AS period_kind" in text
        assert f"'last_{kind}' AS period_range, '{kind}' AS period_kind" in text


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.full_name)
def test_a_view_is_of_a_published_table_and_every_column_is_described(view: View) -> None:
    assert all(table.warehouse for table in view.reads)
    assert view.full_name not in catalog.tables()
    assert view.fields[0] is PERIOD_RANGE
    assert len({field.name for field in view.fields}) == len(view.fields)
    assert all(field.description for field in view.fields)
    assert {"period_kind", "period_start", "as_known_at"} <= {field.name for field in view.fields}


def test_the_names_are_read_by_the_views_of_top_lists() -> None:
    assert [view.name for view in views_over(catalog.table("gold.entity_names"))] == [
        "this_listener_tops",
        "this_area_tops",
    ]
    assert views_over(catalog.table("silver.plays")) == ()
