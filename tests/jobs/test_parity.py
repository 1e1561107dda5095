"""Row-exact, type-exact: one ledger gives the same tables on both engines, and either can go on with the other's."""

from datetime import UTC, datetime

import pytest

from infra.delta_writer import DeltaWriter
from infra.lake import Lake
from jobs.runner import Runner
from schemas import catalog
from schemas.bronze import PLAYBACK_EVENTS
from schemas.events import CURRENT
from schemas.statistics import TAG
from tests.jobs.unchecked import Unchecked

NOT_BY_RUNNER = ("quality.check_results", "gold.restatements")
TABLES = [table for table in catalog.lake_tables().values() if table.full_name not in NOT_BY_RUNNER]
STATISTICS = [table for table in TABLES if TAG in table.tags]
EARLIER = datetime(2026, 11, 20, 11, tzinfo=UTC)


@pytest.fixture
def batches(records, event):
    """Two batches: nulls, midnight, wide sums, odd texts, dead letters; then late, repeated and displacing."""
    nothing = {field.name: None for field in CURRENT.fields if field.nullable}
    first = records(
        event("plain", outcome="play"),
        event("nulls", **nothing),
        event("before midnight", occurred_at="2026-11-18T23:59:59.999999Z"),
        event("midnight", occurred_at="2026-11-19T00:00:00Z", outcome="skip"),
        *(event(f"wide {n}", ms_played=86_400_000, track_id="test:track:wide") for n in range(60)),
        event("told again", source="spotify-basic", track_id=None, artist_name="ARTIST"),
        event("just a play", ms_played=30_000),
        event("just no play", ms_played=29_999),
        event("episode", content_type="episode", track_id="test:episode:1"),
        event("odd", track_id=None, artist_name="ẞß İ \u202e", track_title="🎧\u0000", country=None),
        event("vanishing", occurred_at="2026-11-01T12:00:00Z", user_id="f" * 32),
        event("plain", outcome="play"),
        event("plain", outcome="skip"),
        b"\xc3\x01not avro",
        None,
        b"",
    )
    second = records(
        event("vanishing", occurred_at="2026-11-02T12:00:00Z", user_id="f" * 32),
        event("late", occurred_at="2026-10-01T00:00:00.000001Z"),
        event("nulls", **nothing),
        partition=1,
        at=EARLIER,
    )
    return first, second


def _append(session, lake, batch):
    lake.create(PLAYBACK_EVENTS)
    where = {batch["partition"][0].as_py(): batch["offset"][0].as_py()}
    rows = session.createDataFrame(batch)
    DeltaWriter(session, lake).append_ledger(PLAYBACK_EVENTS, rows, "T", where, lake.version(PLAYBACK_EVENTS))


def _refresh(session, lake, statistics):
    Runner(session, lake, Unchecked(lake.root)).refresh_all(statistics=statistics)


def _content(lake, read):
    """Rows in key order with their types; the audit column names versions, which are each lake's own."""
    tables = {}
    for table in read:
        rows = lake.rows(table).select([field.name for field in table.fields])
        tables[table.full_name] = rows.sort_by([(name, "ascending") for name in table.key]).combine_chunks()
    return tables


@pytest.fixture(scope="session")
def homes(tmp_path_factory):
    """Folder of each lake, kept from the one engine's half to the other's."""
    return tmp_path_factory.mktemp("parity")


# Spark plans every table three times here: five minutes where a machine has much else to do.
@pytest.mark.timeout(900)
def test_both_engines_make_the_same_tables_and_go_on_with_each_others(request, session, batches, homes):
    _compared(request, session, batches, homes / "tables", [one for one in TABLES if one not in STATISTICS])


@pytest.mark.slow_on_spark
@pytest.mark.timeout(1800)
def test_both_engines_make_the_same_statistics_and_go_on_with_each_others(request, session, batches, homes):
    _compared(request, session, batches, homes / "statistics", STATISTICS)


def _compared(request, session, batches, folder, read):
    """Sail comes first (order of the fixture), batch by batch; Spark takes both at once, and goes on with Sail's."""
    engine, statistics = request.node.callspec.params["session"], read == STATISTICS
    own, mixed = Lake(folder / engine), Lake(folder / "mixed")
    for batch in batches:
        _append(session, own, batch)
        if engine == "sail":
            _refresh(session, own, statistics)
    _append(session, mixed, batches[0 if engine == "sail" else 1])
    _refresh(session, mixed, statistics)
    if engine == "spark":
        _refresh(session, own, statistics)

    expected = _content(Lake(folder / "sail"), read)
    assert all(rows.num_rows for name, rows in expected.items() if name.startswith("gold."))
    if not statistics:
        assert expected["silver.merged_plays"]["event_id"].to_pylist() == ["told again"]
    for lake in (own,) if engine == "sail" else (own, mixed):
        for table, rows in _content(lake, read).items():
            assert rows.schema == expected[table].schema, f"{table} of {lake.root.name}"
            assert rows.to_pylist() == expected[table].to_pylist(), f"{table} of {lake.root.name}"
