"""Views over several tables: made when the last of their tables is published, and made anew with each of them."""

from google.api_core.exceptions import NotFound

from infra.warehouse.client import REQUEST_SECONDS, RETRY, Warehouse, answering
from infra.warehouse.tables import make_view
from schemas.model import Table
from schemas.render.bigquery_views import period_view_query, period_view_sql
from schemas.views import View, views_over


def create_views_over(warehouse: Warehouse, table: Table) -> None:
    """Make each view that reads the table, as far as all its tables are published."""
    for view in views_over(table):
        if all(_is_published(warehouse, one) for one in view.reads):
            create_period_view(warehouse, view)


def create_period_view(warehouse: Warehouse, view: View) -> None:
    """Make the view and describe its columns, unless it is so already."""
    dataset = warehouse.dataset(view.of)
    query = period_view_query(view, warehouse.project, dataset)
    statement = period_view_sql(view, warehouse.project, dataset)
    make_view(warehouse, warehouse.path(view.of, view.name), query, statement, view.fields)


def _is_published(warehouse: Warehouse, table: Table) -> bool:
    """Whether analysts find it."""
    try:
        with answering():
            warehouse.client.get_table(warehouse.path(table, table.name), retry=RETRY, timeout=REQUEST_SECONDS)
    except NotFound:
        return False
    return True
