"""Compute the answers from the log: the SQL beside this module, run by DuckDB within bounded memory."""

import glob
import shutil
from collections.abc import Collection
from importlib.resources import files
from pathlib import Path

import duckdb
import pyarrow as pa

from truth.identity import identify

ANSWERS = (
    "gold.daily_track_plays",
    "gold.daily_user_plays",
    "gold.country_charts",
    "gold.event_balance",
    "bronze.dead_letters",
    "silver.duplicates",
)
"""In the order in which they are computed: the charts are made of the daily plays."""

MEMORY_LIMIT = "4GB"
"""Of DuckDB; what is larger goes to disk."""

_SPELLINGS_AT_ONCE = 100_000


def write_answers(folder: Path, replayed: Collection[str] = ()) -> list[Path]:
    """Write the expected rows of each of ANSWERS to `<folder>/<full name>.parquet`; `<folder>/log.parquet` is the log.

    `replayed` names the values of `fault` whose dead letters have been brought back, in the order of sending and after
    everything else. Gold tables have their declared columns, but what only the broker knows is left out:
    `gold.event_balance` is summed over topic and hour, `bronze.dead_letters` are counted by `reason`, and
    `silver.duplicates` is one row with `count` and `conflict_count`. Conflicts are known only of the columns that the
    log has. A message without installation is the client's `unknown`: manifests are not in the log.

    Raises OSError when the log cannot be read, or the answers cannot be written.
    """
    log = folder / "log.parquet"
    if not log.is_file():
        raise FileNotFoundError(f"There is no {log}: play the simulation first.")
    work = folder / "truth.work"
    # One that was killed leaves its own behind, as large as the log.
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    try:
        with duckdb.connect(work / "work.duckdb", config=_config(work)) as database:
            _prepare(database, log, replayed)
            for name in ANSWERS:
                database.execute(_statements(name))
                database.sql(f"FROM {name} ORDER BY ALL").write_parquet(str(work / name), compression="zstd")
        return [(work / name).replace(folder / f"{name}.parquet") for name in ANSWERS]
    except (duckdb.IOException, duckdb.InvalidInputException, duckdb.OutOfMemoryException) as error:
        raise OSError(str(error)) from error
    finally:
        shutil.rmtree(work)


def _config(work: Path) -> dict[str, str | bool | int | float | list[str]]:
    return {
        "memory_limit": MEMORY_LIMIT,
        "temp_directory": str(work / "spilled"),
        "preserve_insertion_order": False,
        "TimeZone": "UTC",
        "autoinstall_known_extensions": False,
    }


def _prepare(database: duckdb.DuckDBPyConnection, log: Path, replayed: Collection[str]) -> None:
    """Create the views and tables of `messages.sql`, and what it is given."""
    try:
        # A folder may be named like a pattern or a partition.
        database.read_parquet(glob.escape(str(log)), hive_partitioning=False).create_view("log")
    except duckdb.Error as error:  # of no kind of its own, where the file is damaged
        raise OSError(str(error)) from error
    database.execute("CREATE TABLE replayed AS SELECT unnest($faults::VARCHAR[]) AS fault", {"faults": list(replayed)})
    _identify_spellings(database)
    for layer in {name.split(".")[0] for name in ANSWERS}:
        database.execute(f"CREATE SCHEMA {layer}")
    database.execute(_statements("messages"))


def _identify_spellings(database: duckdb.DuckDBPyConnection) -> None:
    """Create the tables of `spellings.sql`, and fill in what each spelling means."""
    database.execute(_statements("spellings"))
    with database.cursor() as reading:
        spelled = reading.sql("SELECT spelling, track_id, artist_name, track_title FROM spelled")
        for batch in spelled.to_arrow_reader(_SPELLINGS_AT_ONCE):
            names = zip(*(column.to_pylist() for column in batch.columns[1:]), strict=True)
            identities = pa.array([identify(*spelling) for spelling in names], pa.string())
            database.register("batch", pa.table([batch.column(0), identities], ["spelling", "identity"]))
            database.execute("INSERT INTO identities FROM batch")
            database.unregister("batch")


def _statements(name: str) -> str:
    return files("truth").joinpath(f"{name}.sql").read_text(encoding="utf-8")
