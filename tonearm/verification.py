"""Hold the lake against the answer key of the simulation that was sent to it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from infra.lake import Lake
from infra.settings import Settings
from schemas import area_statistics, catalog, statistics, year_in_music
from schemas.bronze import DEAD_LETTERS, PLAYBACK_EVENTS
from schemas.errors import MissingInputError
from schemas.gold import COUNTRY_CHARTS, DAILY_TRACK_PLAYS, DAILY_USER_PLAYS, EVENT_BALANCE, FATES
from schemas.model import Table
from schemas.silver import DUPLICATES, MERGED_PLAYS
from tonearm.answer_key import Key, answers_without, read_key
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


def verify(settings: Settings, folder: Path) -> list[Verdict]:
    """Compare each table that the key in `folder` must have with the lake's, as multisets of rows.

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
    lake = Lake(settings.lake)
    with _counted_once(lake, folder, settings.statistics) as once:
        answers = {
            table: once if table.full_name in _FOLLOW_MERGES else folder for table in _comparable(settings.statistics)
        }
        return [
            Verdict(table.full_name, None if key.interrupted and table in _HOW_OFTEN else _compare(lake, table, where))
            for table, where in answers.items()
        ]


def records_not_known(settings: Settings, folder: Path) -> int:
    """How many more records the ledger has than the simulation of the complete key in `folder` sent.

    Those of imports, replays and other producers: the key does not know them, and answers for none of the tables then.
    Negative before all of the simulation is ingested.
    """
    return Lake(settings.lake).row_count(PLAYBACK_EVENTS) - _complete_key(folder).messages


def answers_for(settings: Settings, folder: Path) -> bool:
    """Whether there is a complete key in `folder`, and the ledger holds what its simulation sent and nothing else."""
    try:
        return records_not_known(settings, folder) == 0
    except MissingInputError:
        return False


def merges(settings: Settings, folder: Path) -> Agreement | None:
    """How the lake's merges agree with the key; None where it knows of no playback that was told of twice.

    Merging is a judgement: it is held against the key by its precision and recall, and makes no table wrong.
    """
    lake, answer = Lake(settings.lake), _answer(folder, MERGED_PLAYS)
    if lake.version(MERGED_PLAYS) is None or not answer.is_file():
        return None
    found = agreement(answer, lake.rows(MERGED_PLAYS))
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
    return key


@contextmanager
def _counted_once(lake: Lake, folder: Path, with_statistics: bool) -> Iterator[Path]:
    """The folder of the answers of what follows from merges: those of the key itself where it knows of none."""
    if lake.version(MERGED_PLAYS) is None or not _told_twice(folder):
        yield folder
        return
    merged = lake.rows(MERGED_PLAYS)["event_id"].to_pylist()
    with answers_without(folder, merged, with_statistics) as once:
        yield once


def _told_twice(folder: Path) -> int:
    answer = _answer(folder, MERGED_PLAYS)
    return pq.read_metadata(answer).num_rows if answer.is_file() else 0


def _comparable(with_statistics: bool) -> list[Table]:
    return [*_COMPARABLE, *(_STATISTICS if with_statistics else ())]


def _compare(lake: Lake, table: Table, folder: Path) -> Difference:
    shown_by_key = _COMPARABLE.get(table, _declared)
    return differences(_answer(folder, table), shown_by_key(lake.rows(table), table))


def _answer(folder: Path, table: Table) -> Path:
    return folder / f"{table.full_name}.parquet"


def _declared(rows: pa.Table, table: Table) -> pa.Table:
    return rows.select([field.name for field in table.fields])


def _over_hours(rows: pa.Table, _: Table) -> pa.Table:
    """The topic's id and the hours of appending are the broker's, and not in the key."""
    keys, sums = ["client_id", "stage"], ["sent", *FATES, "unaccounted"]
    summed = rows.group_by(keys).aggregate([(name, "sum") for name in sums])
    return summed.select([*keys, *(f"{name}_sum" for name in sums)]).rename_columns([*keys, *sums])


def _by_reason(rows: pa.Table, _: Table) -> pa.Table:
    return rows.group_by("reason").aggregate([([], "count_all")]).rename_columns(["reason", "count"])


def _conflicts(rows: pa.Table, _: Table) -> pa.Table:
    conflicts = pc.sum(rows["is_conflict"]).as_py() or 0
    return pa.table({"count": [rows.num_rows], "conflict_count": [conflicts]})


_COMPARABLE: dict[Table, Callable[[pa.Table, Table], pa.Table]] = {
    DAILY_TRACK_PLAYS: _declared,
    DAILY_USER_PLAYS: _declared,
    COUNTRY_CHARTS: _declared,
    EVENT_BALANCE: _over_hours,
    DEAD_LETTERS: _by_reason,
    DUPLICATES: _conflicts,
}
"""What of each table the key can tell."""

_FOLLOW_MERGES = catalog.downstream(MERGED_PLAYS.full_name).keys()
"""Of these the answers depend on which plays are merged."""

_STATISTICS = tuple(
    one for one in (*statistics.TABLES, *area_statistics.TABLES, *year_in_music.TABLES) if one.is_derived
)
"""Of these it can tell everything."""

_HOW_OFTEN = (EVENT_BALANCE, DEAD_LETTERS, DUPLICATES)
"""Tables that count messages, not playbacks: one that was sent again is in them twice."""
