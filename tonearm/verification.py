"""Hold the lake against the answer key of the simulation that was sent to it."""

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from infra.lake import Lake
from infra.settings import Settings
from schemas import area_statistics, catalog, eras, statistics, year_in_music
from schemas.bronze import DEAD_LETTERS, PLAYBACK_EVENTS
from schemas.errors import MissingInputError
from schemas.gold import COUNTRY_CHARTS, DAILY_TRACK_PLAYS, DAILY_USER_PLAYS, EVENT_BALANCE, FATES
from schemas.model import Table
from schemas.music_catalogue import CATALOGUE_ENTRIES, CATALOGUE_ROWS, TRACK_FACTS
from schemas.silver import DUPLICATES, MERGED_PLAYS
from tonearm.answer_key import Key, answers_where, read_key
from truth.agreement import Agreement, agreement
from truth.compare import Difference, differences


@dataclass(frozen=True)
class Verdict:
    """What the key says of one table.

    `difference` is None where the key cannot say, because the simulation was cut off and sent messages again. The
    examples in it hold personal values: print them with `shown` only.
    """

    table: str
    difference: Difference | None

    @property
    def equal(self) -> bool:
        """Whether nothing differs, as far as the key can say."""
        return self.difference is None or self.difference.equal


def verify(settings: Settings, folder: Path, replayed: Collection[str] = ()) -> list[Verdict]:
    """Compare each table that the key in `folder` must have with the lake's, as multisets of rows.

    `replayed` names faults of the simulation whose dead letters were brought back as what they had been, and ingested.

    Which plays are merged is a judgement (see `merges`), and what follows from it is not: where the key knows of
    playbacks that are told of twice, gold must be what the log says without exactly those plays that the lake merged.
    Raises MissingInputError when there is no complete key, or a table is not in the lake.
    """
    key = _complete_key(folder)
    if settings.statistics and not key.statistics:
        raise MissingInputError(
            f"The answer key in {folder} has no statistics: run `tonearm simulate` again, or set TONEARM_STATISTICS to "
            "false."
        )
    lake, unsure = Lake(settings.lake), _OF_MESSAGES if key.interrupted else frozenset[Table]()
    with _as_processed(lake, folder, settings.statistics, replayed) as answers:
        return [
            Verdict(table.full_name, None if table in unsure else _compare(lake, table, answers))
            for table in _comparable(settings.statistics)
        ]


def records_not_known(settings: Settings, folder: Path) -> int:
    """How many more records the ledger has than the simulation of the complete key in `folder` sent.

    Those of imports, replays and other producers: the key does not know them, and answers for none of the tables then.
    Negative before all of the simulation is ingested.
    """
    return Lake(settings.lake).row_count(PLAYBACK_EVENTS) - _complete_key(folder).messages


def answers_for(settings: Settings, folder: Path) -> bool:
    """Whether there is a complete key in `folder`, and the lake was given what its simulation sent and nothing else."""
    if settings.catalogue_feed:
        return False
    try:
        return records_not_known(settings, folder) == 0
    except MissingInputError:
        return False


def merges(settings: Settings, folder: Path, replayed: Collection[str] = ()) -> Agreement | None:
    """How the lake's merges agree with the key; None where it knows of no playback that was told of twice.

    Merging is a judgement: it is held against the key by its precision and recall, and makes no table wrong.
    `replayed` as in `verify`.
    """
    lake = Lake(settings.lake)
    if lake.version(MERGED_PLAYS) is None or not _answer(folder, MERGED_PLAYS).is_file():
        return None
    with answers_where(folder, False, replayed) if replayed else nullcontext(folder) as answers:
        found = agreement(_answer(answers, MERGED_PLAYS), lake.rows(MERGED_PLAYS))
    return found if found.expected else None


def shown(table: str, row: dict[str, object]) -> dict[str, object]:
    """An example row with … for what says something about one listener."""
    personal = {field.name for field in catalog.table(table).fields if field.personal}
    return {name: "…" if name in personal else value for name, value in row.items()}


def _complete_key(folder: Path) -> Key:
    key = read_key(folder)
    if key is None:
        raise MissingInputError(f"There is no answer key in {folder}: run `tonearm simulate`, or name its folder.")
    if not key.complete or not all(_answer(folder, table).is_file() for table in _comparable(key.statistics)):
        raise MissingInputError(f"The answer key in {folder} was not finished: run `tonearm simulate` again.")
    others = [table.full_name for table in _comparable(key.statistics) if not _has_columns_of(folder, table)]
    if others:
        named = f"other columns in {others[0]}" + (f" and {len(others) - 1} more" if len(others) > 1 else "")
        raise MissingInputError(
            f"The answer key in {folder} is of another version of Tonearm, which had {named}: "
            "run `tonearm simulate` again."
        )
    return key


@contextmanager
def _as_processed(lake: Lake, folder: Path, with_statistics: bool, replayed: Collection[str]) -> Iterator[Path]:
    """The folder of the answers: the key's own where nothing was replayed, and it knows of nothing to merge."""
    merged = (
        lake.rows(MERGED_PLAYS)["event_id"].to_pylist()
        if lake.version(MERGED_PLAYS) is not None and (replayed or _told_twice(folder))
        else []
    )
    if not (merged or replayed):
        yield folder
        return
    with answers_where(folder, with_statistics, replayed, merged) as answers:
        yield answers


def _told_twice(folder: Path) -> int:
    answer = _answer(folder, MERGED_PLAYS)
    return pq.read_metadata(answer).num_rows if answer.is_file() else 0


def _comparable(with_statistics: bool) -> list[Table]:
    return [*_COMPARABLE, *(_STATISTICS if with_statistics else ())]


def _has_columns_of(folder: Path, table: Table) -> bool:
    """Whether the answer has the columns of the table as it is declared now; of sums others are compared."""
    return table in _SUMMED or set(pq.read_schema(_answer(folder, table)).names) == {one.name for one in table.fields}


def _compare(lake: Lake, table: Table, folder: Path) -> Difference:
    summed = _SUMMED.get(table)
    return differences(_answer(folder, table), summed(lake.rows(table)) if summed else lake.batches(table))


def _answer(folder: Path, table: Table) -> Path:
    return folder / f"{table.full_name}.parquet"


def _over_hours(rows: pa.Table) -> pa.Table:
    """The topic's id and the hours of appending are the broker's, and not in the key."""
    keys, sums = ["client_id", "stage"], ["sent", *FATES, "unaccounted"]
    summed = rows.group_by(keys).aggregate([(name, "sum") for name in sums])
    return summed.select([*keys, *(f"{name}_sum" for name in sums)]).rename_columns([*keys, *sums])


def _by_reason(rows: pa.Table) -> pa.Table:
    return rows.group_by("reason").aggregate([([], "count_all")]).rename_columns(["reason", "count"])


def _conflicts(rows: pa.Table) -> pa.Table:
    conflicts = pc.sum(rows["is_conflict"]).as_py() or 0
    return pa.table({"count": [rows.num_rows], "conflict_count": [conflicts]})


_SUMMED: dict[Table, Callable[[pa.Table], pa.Table]] = {
    EVENT_BALANCE: _over_hours,
    DEAD_LETTERS: _by_reason,
    DUPLICATES: _conflicts,
    CATALOGUE_ROWS: _by_reason,
}
"""Of these the key cannot tell single rows, but what they sum up to."""

_OF_MESSAGES = frozenset({EVENT_BALANCE, DEAD_LETTERS, DUPLICATES})
"""They count messages, of which a simulation that was cut off has sent some again."""

_COMPARABLE = (DAILY_TRACK_PLAYS, DAILY_USER_PLAYS, COUNTRY_CHARTS, *_SUMMED, CATALOGUE_ENTRIES, TRACK_FACTS)

_STATISTICS = tuple(
    one for one in (*statistics.TABLES, *area_statistics.TABLES, *eras.TABLES, *year_in_music.TABLES) if one.is_derived
)
"""Of these it can tell everything."""
