"""The audit of a lake: `gold.event_balance` computed, committed and checked, and the balance sheet over it, on sail.

The lake is made of clients with 100 events each, of which one in a thousand never came, with a mark of each. What the
stores are asked at the end of a run is no part of it.
"""

import shutil
import tempfile
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa

from bench.measure import measure_side, work
from bench.results import QUICK, Options, Result, repeated, results
from infra.lake import Lake
from playback.arrow import arrow_schema
from schemas import catalog
from schemas.gold import EVENT_BALANCE
from schemas.model import Table

EVENTS_A_CLIENT = 100
LOST_ONE_IN = 1_000
BATCH_ROWS = 500_000
DAYS = 30
_APPENDED = datetime(2026, 11, 2, 12, 30, tzinfo=UTC)
_DAILY = ("gold.daily_track_plays", "gold.daily_user_plays")


def run(options: Options) -> list[Result]:
    count = 200_000 if options.size == QUICK else 2_000_000
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        make_lake(Lake(Path(folder) / "lake"), count)
        sides = {
            name: partial(measure_side, f"bench.audit:{name}_side", {"home": folder, "count": count})
            for name in ("refresh", "sheet")
        }
        costs = repeated(sides, options.repeat)
        size = sum(Lake(Path(folder) / "lake").file_sizes(EVENT_BALANCE)) / 1e6
    notes = {"refresh": f"gold.event_balance of {count // EVENTS_A_CLIENT:,} clients, {size:.1f} MB"}
    return results("audit", costs, count, "events", notes)


def refresh_side(home: str, count: int) -> None:
    from infra.checks import Checker
    from infra.engine import open_session
    from infra.settings import Settings
    from jobs.runner import Runner

    lake = Lake(Path(home) / "lake")
    shutil.rmtree(lake.path(EVENT_BALANCE), ignore_errors=True)
    with open_session(Settings(home=Path(home))) as session, work():
        Runner(session, lake, Checker(Path(home))).refresh(EVENT_BALANCE)
    rows = lake.rows(EVENT_BALANCE)
    assert sum(rows["sent"].to_pylist()) == 2 * count
    assert sum(rows["lost"].to_pylist()) == 2 * (count // LOST_ONE_IN)


def sheet_side(home: str, count: int) -> None:
    from infra.engine import open_session
    from infra.settings import Settings
    from jobs.balance import balance

    with open_session(Settings(home=Path(home))) as session, work():
        sheet = balance(session, Lake(Path(home) / "lake"), [], [], {})
    assert sheet.adds_up
    assert sheet.total("sent") == count


def make_lake(lake: Lake, count: int) -> None:
    """The ledger, its verdicts (all accepted) and the daily tables, of `count` events that were sent."""
    from deltalake import write_deltalake

    for name in (*EVENT_BALANCE.inputs, *_DAILY):
        lake.create(catalog.table(name))
    for start in range(0, count, BATCH_ROWS):
        came = _sent(start, min(start + BATCH_ROWS, count))
        days = came.group_by("event_date").aggregate([([], "count_all")]).rename_columns(["event_date", "count"])
        daily = days.append_column("playback_count", days["count"])
        for name, rows in (
            ("bronze.playback_events", pa.concat_tables([came, _marks(came)], promote_options="default")),
            ("silver.plays", came),
            *((name, daily) for name in _DAILY),
        ):
            table = catalog.table(name)
            write_deltalake(lake.path(table), filled(table, rows), mode="append")


def _sent(first: int, until: int) -> pa.Table:
    """Numbered events of clients in turn that came."""
    import numpy as np

    events = np.arange(first, until)
    events = events[events % LOST_ONE_IN != 0]
    clients = pa.array([f"install-{number:012d}" for number in range(until // EVENTS_A_CLIENT + 1)])
    names = clients.take(pa.array(events // EVENTS_A_CLIENT))
    return pa.table(
        {
            "offset": events,
            "install_id": names,
            "client_id": names,
            "sequence": events % EVENTS_A_CLIENT,
            "payload": pa.array([b"\0" * 100 + number.to_bytes(40, "little") for number in events.tolist()]),
            "event_date": pa.array(20_000 + events % DAYS, pa.int32()).cast(pa.date32()),
        }
    )


def _marks(came: pa.Table) -> pa.Table:
    names = came["install_id"].unique()
    numbers = pa.array(range(len(names)))
    return pa.table({"offset": numbers, "install_id": names, "high_water": pa.repeat(EVENTS_A_CLIENT, len(names))})


def filled(table: Table, rows: pa.Table) -> pa.Table:
    """The columns of a table: those given, the rest null or a stand-in."""
    known: dict[str, Any] = {
        "topic_id": "T",
        "topic": "playback-events",
        "appended_at": _APPENDED,
        "content_type": "track",
        "input_positions": "{}",
    }
    stand_ins = {"string": "", "boolean": False, "timestamp": _APPENDED}
    columns = []
    for field, to in zip(table.stored_fields, arrow_schema(table.stored_fields), strict=True):
        if field.name in rows.column_names:
            columns.append(rows[field.name].cast(to.type))
        else:
            value = known.get(field.name, None if field.nullable else stand_ins.get(field.type, 0))
            columns.append(pa.repeat(pa.scalar(value, to.type), rows.num_rows))
    return pa.table(columns, names=[field.name for field in table.stored_fields])
