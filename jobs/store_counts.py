"""How many playbacks each store holds, asked of the store itself: the far end of the balance sheet."""

# ruff: noqa: S608 - only declared names are written into statements

from infra.local.stack import Endpoints
from infra.serving_store.session import serving_session
from infra.settings import Settings
from infra.warehouse.client import warehouse
from schemas import catalog
from schemas.render.cassandra import table_name

_COUNTED = "gold.daily_user_plays"


def playbacks_in_stores(settings: Settings, endpoints: Endpoints) -> dict[str, int]:
    """Sum of playback_count by store and table; raises StoreUnavailableError when a store does not answer."""
    counted = {}
    with warehouse(settings, endpoints) as bigquery:
        for name in ("gold.daily_track_plays", _COUNTED):
            table = catalog.table(name)
            _, rows = bigquery.run(f"SELECT SUM(playback_count) FROM `{bigquery.path(table, table.name)}`")
            counted[f"bigquery {name}"] = int(next(iter(rows))[0] or 0)
    with serving_session(settings, endpoints) as cassandra:
        table = catalog.table(_COUNTED)
        # Summed here: one aggregate over all partitions would time out in the server long before paging does.
        cells = cassandra.rows(f'SELECT playback_count FROM "{cassandra.keyspace}"."{table_name(table)}"')
        counted[f"cassandra {_COUNTED}"] = sum(row["playback_count"] for row in cells)
    return counted
