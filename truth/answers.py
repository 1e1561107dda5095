"""Compute the answers from the log: the SQL beside this module, run by DuckDB within bounded memory."""

import glob
import shutil
from collections.abc import Collection, Iterator
from importlib.resources import files
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from truth.identity import identify, identify_album, identify_artist, identify_genres

STATISTICS = (
    "gold.listener_track_days",
    "gold.listener_tops",
    "gold.listener_periods",
    "gold.listening_hours",
    "gold.listener_discoveries",
    "gold.listener_sessions",
    "gold.area_tops",
    "gold.area_periods",
    "gold.daily_tops",
    "gold.daily_charts",
    "gold.listener_eras",
    "gold.area_eras",
    "gold.entity_names",
    "gold.year_in_music",
)
"""Those of ANSWERS that a deployment may do without."""

ANSWERS = (
    "gold.daily_track_plays",
    "gold.daily_user_plays",
    "gold.country_charts",
    "gold.event_balance",
    "bronze.dead_letters",
    "silver.duplicates",
    "silver.merged_plays",
    "bronze.catalogue_rows",
    "silver.catalogue_entries",
    "silver.track_facts",
    *STATISTICS,
)
"""In the order in which they are computed: the charts are made of what was played daily."""

MEMORY_LIMIT = "4GB"
"""Of DuckDB; what is larger goes to disk."""

_NO_CATALOGUE = """
CREATE TABLE catalogue (
    row_number BIGINT, track_id VARCHAR, artist_name VARCHAR, track_title VARCHAR, album_title VARCHAR,
    release_year INTEGER, genres VARCHAR[], reason VARCHAR
)
"""
_SPELLINGS_AT_ONCE = 100_000
_ROWS_AT_ONCE = 200_000
_BY_SHARE = ("share", "SELECT DISTINCT share FROM listened ORDER BY share")
_BY_KIND = ("period_kind", "SELECT DISTINCT period_kind FROM days_of_periods ORDER BY period_kind")
_PIECES = {
    "gold.listener_track_days": _BY_SHARE,
    "gold.listener_tops": _BY_SHARE,
    "gold.listener_periods": _BY_SHARE,
    "gold.listening_hours": _BY_SHARE,
    "gold.listener_discoveries": _BY_SHARE,
    "gold.year_in_music": _BY_SHARE,
    "gold.area_tops": _BY_KIND,
    "gold.area_periods": _BY_KIND,
    "gold.listener_eras": _BY_SHARE,
    "gold.area_eras": _BY_KIND,
}
"""Some statistics have more rows than the log, and are computed one piece after the other to need no more room than it.

Of each the variable that `listened.sql` chooses a piece by, and the query of its values.
"""


def write_answers(
    folder: Path, replayed: Collection[str] = (), statistics: bool = True, merged: Collection[str] = ()
) -> list[Path]:
    """Write the expected rows of each of ANSWERS to `<folder>/<full name>.parquet`; `<folder>/log.parquet` is the log.

    `<folder>/catalogue.parquet`, where there is one, has the rows of the catalogue's feed: what each is meant to say,
    or the `reason` for which it must be refused.

    `replayed` names the values of `fault` whose dead letters have been brought back, in the order of sending and after
    everything else. Without `statistics` the answers of STATISTICS are left out, and removed where there are some.
    `merged` are the ids of events that tables about music do not count, because they count another one of the playback.
    Gold tables have their declared columns, but what only the broker knows is left out:
    `gold.event_balance` is summed over topic and hour, `bronze.dead_letters` are counted by `reason`, and
    `silver.duplicates` is one row with `count` and `conflict_count`; `silver.merged_plays` has the two `event_id`s of
    each playback that two events tell of, the lower one first, whichever is to be kept. Conflicts are known only of the
    columns that the log has. A message without installation is the client's `unknown`: manifests are not in the log.

    Raises OSError when the log cannot be read, or the answers cannot be written.
    """
    log = folder / "log.parquet"
    if not log.is_file():
        raise FileNotFoundError(f"There is no {log}: play the simulation first.")
    work = folder / "truth.work"
    # One that was killed leaves its own behind, as large as the log.
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    names = [name for name in ANSWERS if statistics or name not in STATISTICS]
    try:
        with duckdb.connect(work / "work.duckdb", config=_config(work)) as database:
            _prepare(database, log, replayed, merged)
            for name in names:
                if name == STATISTICS[0]:
                    database.execute(_statements("listened"))
                database.execute(_statements(name))
                _write(database, name, work / name)
        for name in set(ANSWERS).difference(names):
            (folder / f"{name}.parquet").unlink(missing_ok=True)
        return [(work / name).replace(folder / f"{name}.parquet") for name in names]
    except (duckdb.IOException, duckdb.InvalidInputException, duckdb.OutOfMemoryException) as error:
        raise OSError(str(error)) from error
    finally:
        shutil.rmtree(work)


def _write(database: duckdb.DuckDBPyConnection, name: str, path: Path) -> None:
    """Write the answer in order, or each of its pieces in order."""
    schema = database.sql(f"FROM {name} LIMIT 0").to_arrow_table().schema
    with pq.ParquetWriter(path, schema, compression="zstd") as written:
        for batch in _rows(database, name):
            written.write_batch(batch)


def _rows(database: duckdb.DuckDBPyConnection, name: str) -> Iterator[pa.RecordBatch]:
    ordered = f"FROM {name} ORDER BY ALL"
    if name not in _PIECES:
        yield from database.sql(ordered).to_arrow_reader(_ROWS_AT_ONCE)
        return
    variable, values = _PIECES[name]
    for (value,) in database.execute(values).fetchall():
        database.execute(f"SET VARIABLE {variable} = '{value}'")
        yield from database.sql(ordered).to_arrow_reader(_ROWS_AT_ONCE)


def _config(work: Path) -> dict[str, str | bool | int | float | list[str]]:
    return {
        "memory_limit": MEMORY_LIMIT,
        "temp_directory": str(work / "spilled"),
        "preserve_insertion_order": False,
        "TimeZone": "UTC",
        "autoinstall_known_extensions": False,
    }


def _prepare(
    database: duckdb.DuckDBPyConnection, log: Path, replayed: Collection[str], merged: Collection[str]
) -> None:
    """Create the views and tables of `messages.sql`, and what it is given."""
    try:
        # A folder may be named like a pattern or a partition.
        database.read_parquet(glob.escape(str(log)), hive_partitioning=False).create_view("log")
    except duckdb.Error as error:  # of no kind of its own, where the file is damaged
        raise OSError(str(error)) from error
    database.execute("CREATE TABLE replayed AS SELECT unnest($faults::VARCHAR[]) AS fault", {"faults": list(replayed)})
    database.execute("CREATE TABLE merged AS SELECT unnest($ids::VARCHAR[]) AS event_id", {"ids": list(merged)})
    _open_catalogue(database, log.with_name("catalogue.parquet"))
    _identify_spellings(database)
    _identify_catalogue(database)
    for layer in {name.split(".")[0] for name in ANSWERS}:
        database.execute(f"CREATE SCHEMA {layer}")
    database.execute(_statements("messages"))


def _identify_spellings(database: duckdb.DuckDBPyConnection) -> None:
    """Create the tables of `spellings.sql`, and fill in what each spelling means."""
    database.execute(_statements("spellings"))
    with database.cursor() as reading:
        spelled = reading.sql("SELECT spelling, track_id, artist_name, track_title, album_title FROM spelled")
        for batch in spelled.to_arrow_reader(_SPELLINGS_AT_ONCE):
            names = zip(*(column.to_pylist() for column in batch.columns[1:]), strict=True)
            identities = [_identities(*spelling) for spelling in names]
            columns = [pa.array(column, pa.string()) for column in zip(*identities, strict=True)]
            _insert(database, "identities", [batch.column(0), *columns])


def _open_catalogue(database: duckdb.DuckDBPyConnection, catalogue: Path) -> None:
    """The rows of the feed as `catalogue`; none where there is no feed."""
    if not catalogue.is_file():
        database.execute(_NO_CATALOGUE)
        return
    try:
        database.read_parquet(glob.escape(str(catalogue)), hive_partitioning=False).create_view("catalogue")
    except duckdb.Error as error:
        raise OSError(str(error)) from error


def _identify_catalogue(database: duckdb.DuckDBPyConnection) -> None:
    with database.cursor() as reading:
        rows = reading.sql(
            "SELECT row_number, track_id, artist_name, track_title, album_title, genres FROM catalogue "
            "WHERE reason IS NULL"
        )
        for batch in rows.to_arrow_reader(_SPELLINGS_AT_ONCE):
            *names, genres = (column.to_pylist() for column in batch.columns[1:])
            identities = [_identities(*spelling) for spelling in zip(*names, strict=True)]
            columns = [pa.array(column, pa.string()) for column in zip(*identities, strict=True)]
            plain = pa.array([identify_genres(one) for one in genres], pa.list_(pa.string()))
            _insert(database, "catalogue_identities", [batch.column(0), *columns, plain])


def _insert(database: duckdb.DuckDBPyConnection, table: str, columns: list[pa.Array]) -> None:
    """Append the columns, which are in the order of the table's."""
    database.register("batch", pa.table(columns, names=[f"column_{number}" for number in range(len(columns))]))
    database.execute(f"INSERT INTO {table} FROM batch")
    database.unregister("batch")


def _identities(
    uri: str | None, artist: str | None, title: str | None, album: str | None
) -> tuple[str | None, str | None, str | None, str | None]:
    """Of track, artist and album, and of the track as if it had no URI."""
    named = identify(None, artist, title)
    return identify(uri, artist, title), identify_artist(artist), identify_album(artist, album), named


def _statements(name: str) -> str:
    return files("truth").joinpath(f"{name}.sql").read_text(encoding="utf-8")
