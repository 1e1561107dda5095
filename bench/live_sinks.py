"""The sinks of `bench.live`: files, and the real Cassandra, and what was written to them."""

import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Protocol

import psutil
import pyarrow as pa
import pyarrow.json as pj
import pyarrow.parquet as pq

from bench.live_cells import CELL, Totals, last_say
from infra.local.record import running_record
from infra.local.stack import local_stack
from infra.serving_store.rows import every_row
from infra.serving_store.session import ServingSession, serving_session
from infra.serving_store.tables import create_control_tables, create_serving_table
from infra.settings import Settings
from schemas.live import MINUTE_TRACK_PLAYS

FILES, CASSANDRA = "files", "cassandra"


@dataclass(frozen=True)
class Place:
    """Where one side writes: a folder, or host:port/keyspace; `warm` is another one, for what is not measured."""

    kind: str
    where: str
    warm: str


class Sink(Protocol):
    """A kind of place."""

    def fresh(self) -> AbstractContextManager[Place]:
        """An empty place, which goes at the end of the block."""

    def written(self, place: Place) -> tuple[Totals, str]:
        """The totals of the cells as they stand there, and what it took to write them, in words."""


class Files:
    """Changed cells in files, of which each has the last say on its cells: the cheapest sink there is."""

    @contextmanager
    def fresh(self) -> Iterator[Place]:
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            places = [Path(folder) / name for name in ("cells", "warm")]
            for place in places:
                place.mkdir()
            yield Place(FILES, *map(str, places))

    def written(self, place: Place) -> tuple[Totals, str]:
        found = sorted(path for path in Path(place.where).rglob("*") if path.suffix in {".parquet", ".jsonl"})
        tables = [_cells(path) for path in found if path.is_file()]
        cells = pa.concat_tables([CELL.empty_table(), *tables])
        return last_say(cells), f"{cells.num_rows:,} rows"


def _cells(path: Path) -> pa.Table:
    if not path.stat().st_size:
        return CELL.empty_table()
    table = pq.read_table(path) if path.suffix == ".parquet" else pj.read_json(path)
    return table.select(CELL.names).cast(CELL)


class InCassandra:
    """Upserts into `live.minute_track_plays` of a local node; each side has a keyspace of its own."""

    def __init__(self, home: Path, serving: ServingSession, port: int) -> None:
        self._serving, self._port = serving, port
        self._numbers = count(1)
        record = running_record(home, "cassandra")
        found = record.find() if record else None
        assert found is not None
        self._server: psutil.Process = found
        self._cpu_before = 0.0

    @contextmanager
    def fresh(self) -> Iterator[Place]:
        number = next(self._numbers)
        keyspaces = [f"bench_{number}", f"warm_{number}"]
        for name in keyspaces:
            in_it = ServingSession(self._serving.session, name)
            create_control_tables(in_it, Settings(cassandra_keyspace=name))
            create_serving_table(in_it, MINUTE_TRACK_PLAYS)
        self._cpu_before = self._cpu()
        try:
            yield Place(CASSANDRA, *(f"127.0.0.1:{self._port}/{name}" for name in keyspaces))
        finally:
            for name in keyspaces:
                self._serving.session.execute(f'DROP KEYSPACE "{name}"', timeout=120)

    def written(self, place: Place) -> tuple[Totals, str]:
        taken = self._cpu() - self._cpu_before
        serving = ServingSession(self._serving.session, place.where.rpartition("/")[2])
        rows = list(every_row(serving, MINUTE_TRACK_PLAYS, CELL.names))
        return last_say(pa.Table.from_pylist(rows, CELL)), f"Cassandra itself took {taken:.0f} CPU s"

    def _cpu(self) -> float:
        times = self._server.cpu_times()
        return float(times.user + times.system)


@contextmanager
def sink_of(kind: str) -> Iterator[Sink]:
    """The sink of that name, started if need be."""
    if kind == FILES:
        yield Files()
        return
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        settings = Settings(home=Path(folder))
        with local_stack(settings, (CASSANDRA,)) as where, serving_session(settings, where) as serving:
            yield InCassandra(settings.home.resolve(), serving, where.cassandra_port)
