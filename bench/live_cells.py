"""What `bench.live` holds its sides against: the sums of all cells, from the events and from what a side wrote."""

import pyarrow as pa
import pyarrow.compute as pc

CELL = pa.schema(
    [
        pa.field("window_start", pa.timestamp("us", "UTC")),
        *(pa.field(name, pa.string()) for name in ("country", "track_id")),
        *(pa.field(name, pa.int64()) for name in ("play_count", "skip_count", "listener_count")),
    ]
)
_KEY = ["window_start", "country", "track_id"]
Totals = tuple[int, int, int, int]
"""How many cells, and the sums of their plays, skips and distinct listeners."""


def recounted(events: pa.Table) -> Totals:
    """The totals of events of tracks, counted with Arrow alone."""
    long = pc.greater_equal(events["ms_played"], 30_000)
    skipped = pc.or_(
        pc.equal(events["outcome"], "skip").fill_null(False), pc.and_(events["outcome"].is_null(), pc.invert(long))
    )
    rows = pa.table(
        {
            "window_start": pc.floor_temporal(events["occurred_at"], unit="minute"),
            "country": events["country"].fill_null("ZZ"),
            "track_id": events["track_id"],
            "user_id": events["user_id"],
            "play_count": long.cast(pa.int64()),
            "skip_count": skipped.cast(pa.int64()),
        }
    )
    counted = [("play_count", "sum"), ("skip_count", "sum"), ("user_id", "count_distinct")]
    return _totals(rows.group_by(_KEY).aggregate(counted).rename_columns([*_KEY, *CELL.names[3:]]))


def last_say(written: pa.Table) -> Totals:
    """The totals of CELL rows in the order in which they were written: of each cell the last one stands."""
    numbered = written.append_column("place", pa.array(range(written.num_rows)))
    last = numbered.group_by(_KEY).aggregate([("place", "max")])["place_max"]
    return _totals(written.take(last))


def _totals(cells: pa.Table) -> Totals:
    sums = (pc.sum(cells[name]).as_py() for name in CELL.names[3:])
    plays, skips, listeners = sums
    return cells.num_rows, plays, skips, listeners
