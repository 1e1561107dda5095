"""Sessions of both engines or of one, ledgers made of literal events, and what works on a lake of its own."""

import json
import os
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyspark.sql import DataFrame, SparkSession

from infra.checks import Checker
from infra.delta_writer import DeltaWriter
from infra.engine import open_session
from infra.lake import Lake
from infra.settings import Settings
from jobs.runner import Runner
from playback.arrow import arrow_schema
from schemas.bronze import PLAYBACK_EVENTS
from schemas.model import Field, Table
from schemas.render.spark import spark_ddl
from tests.jobs.books import Books
from tests.jobs.place import Place

Event = dict[str, Any]
LISTENER = "0" * 31 + "a"
APPENDED = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture(scope="session", params=["sail", pytest.param("spark", marks=pytest.mark.spark)])
def session(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    """A session of each engine in turn."""
    # Tiny tables: the second compiler of the JVM would take longer than it saves, by half of the whole time.
    os.environ["SPARK_SUBMIT_OPTS"] = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
    with open_session(Settings(home=tmp_path_factory.mktemp("home"), engine=request.param)) as opened:
        yield opened


@pytest.fixture(scope="session")
def one_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    """A session of one engine, for tests of counts: the parity of the engines is tested with the transforms."""
    with open_session(Settings(home=tmp_path_factory.mktemp("home"))) as opened:
        yield opened


@pytest.fixture(scope="session")
def event() -> Callable[..., Event]:
    """Build one JSON event; every field can be given, the rest is an ordinary play of one track."""

    def build(event_id: str, **fields: Any) -> Event:
        ordinary = {
            "event_id": event_id,
            "source": "test",
            "user_id": LISTENER,
            "occurred_at": "2026-11-19T10:00:00Z",
            "content_type": "track",
            "track_id": "test:track:1",
            "artist_name": "Artist",
            "track_title": "Title",
            "country": "DE",
            "ms_played": 180_000,
        }
        return ordinary | fields

    return build


@pytest.fixture(scope="session")
def records() -> Callable[..., pa.Table]:
    """Ledger rows of these payloads (a dict is sent as JSON), one a partition 0 offset from `first` on."""

    def build(*payloads: Event | bytes | None, first: int = 0, partition: int = 0, at: datetime = APPENDED) -> pa.Table:
        rows = [
            {
                "topic_id": "T",
                "partition": partition,
                "offset": first + number,
                "topic": "playback-events",
                "appended_at": at,
                "manifest_id": None,
                "install_id": None,
                "sequence": None,
                "high_water": None,
                "replay_of": None,
                "ingested_at": at,
                "key": None,
                "headers": None,
                "payload": json.dumps(payload).encode() if isinstance(payload, dict) else payload,
            }
            for number, payload in enumerate(payloads)
        ]
        return pa.Table.from_pylist(rows, schema=arrow_schema(PLAYBACK_EVENTS.fields))

    return build


@pytest.fixture
def frame(session: SparkSession) -> Callable[..., DataFrame]:
    """A DataFrame of literal rows with the fields of a table; fields that are not given are null or a stand-in."""

    def build(table: Table, *rows: dict[str, Any]) -> DataFrame:
        filled = [{field.name: row.get(field.name, _stand_in(field)) for field in table.fields} for row in rows]
        if not rows:
            return session.createDataFrame([], spark_ddl(table.fields))
        arrow = pa.Table.from_pylist(filled, schema=arrow_schema(table.fields))
        return session.createDataFrame(arrow).select(*(field.name for field in table.fields))

    return build


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """An empty lake."""
    return Lake(tmp_path / "lake")


@pytest.fixture
def runner(session: SparkSession, lake: Lake, tmp_path: Path) -> Runner:
    """A runner on the empty lake, on each engine."""
    return Runner(session, lake, Checker(tmp_path))


@pytest.fixture
def append(session: SparkSession, lake: Lake) -> Callable[..., None]:
    """Append records to the ledger as an ingest would."""
    lake.create(PLAYBACK_EVENTS)

    def write(records: pa.Table, version: int | None = None) -> None:
        partition, first = records["partition"][0].as_py(), records["offset"][0].as_py()
        seen = lake.version(PLAYBACK_EVENTS) if version is None else version
        rows = session.createDataFrame(records)
        DeltaWriter(session, lake).append_ledger(PLAYBACK_EVENTS, rows, "T", {partition: first}, seen)

    return write


@pytest.fixture
def books(one_engine: SparkSession, tmp_path: Path) -> Books:
    return Books(one_engine, Lake(tmp_path / "lake"))


@pytest.fixture
def place(stack: Any, tmp_path: Path) -> Place:
    name = f"p{uuid.uuid4().hex[:8]}"
    own = {"cassandra_keyspace": name, "bigquery_dataset_prefix": f"{name}_"}
    return Place(stack.settings.model_copy(update=own), stack.endpoints, Lake(tmp_path / "lake"))


def _stand_in(field: Field) -> Any:
    if field.nullable:
        return None
    return {
        "string": "",
        "binary": b"",
        "boolean": False,
        "int": 0,
        "long": 0,
        "timestamp": APPENDED,
        "date": date(2026, 11, 19),
        "headers": None,
    }[field.type]
