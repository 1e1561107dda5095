"""What keeps Delta tables small and quick to read, and changes no row: compaction and vacuum.

Nothing here takes a lock. Of a compaction and a writer that meet, the compaction gives way (`is_postponed`); a writer
that finds it was faster writes again (`infra.delta_writer`).
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
from deltalake import DeltaTable, PostCommitHookProperties
from deltalake.exceptions import CommitFailedError

from infra import delta_log
from infra.lake import Lake
from infra.leftovers import Removal, room
from schemas.model import Table
from schemas.periods import PartitionValue

TARGET_BYTES = 128 * 2**20
"""Size that files are compacted to, about."""

SMALL_BYTES = TARGET_BYTES // 4
"""A file below this is small; two of them in one partition are worth compacting."""

_PARTITIONS_OF_ONE_COMMIT = 100
# The log is what tells that a compacted version has the same rows; its length is left to the writers of rows.
_KEEP_LOG = PostCommitHookProperties(cleanup_expired_logs=False)


@dataclass(frozen=True)
class Compaction:
    """Files that were rewritten (of a dry run: those small ones that are to be), and into how many.

    `is_postponed`: a writer was faster, and some of them wait for the next time.
    """

    files: int = 0
    into: int = 0
    is_postponed: bool = False


def clustering(table: Table) -> tuple[str, ...]:
    """Columns by which rows are laid out when their files are compacted: those that its readers filter on."""
    return table.warehouse.cluster_by if table.warehouse else ()


def compact(lake: Lake, table: Table, dry_run: bool = False) -> Compaction:
    """Merge the small files of each partition (of the whole table where it has none); every row stays.

    Z-ordered by `clustering`; where there is none, file after file in any order, and big files are left alone.
    """
    small = _small_files(lake, table)
    if dry_run or not small:
        return Compaction(sum(small.values()))
    done = Compaction()
    partitions = sorted((value for value in small if value is not None), key=str)
    for first in range(0, max(len(partitions), 1), _PARTITIONS_OF_ONE_COMMIT):
        try:
            metrics = _rewrite(
                DeltaTable(lake.path(table)), table, partitions[first : first + _PARTITIONS_OF_ONE_COMMIT]
            )
        except CommitFailedError:
            done = Compaction(done.files, done.into, is_postponed=True)
            continue
        files, into = done.files + metrics["numFilesRemoved"], done.into + metrics["numFilesAdded"]
        done = Compaction(files, into, done.is_postponed)
    return done


def vacuum(lake: Lake, table: Table, needed: Collection[int], retention: timedelta, dry_run: bool = False) -> Removal:
    """Remove files that are of no version that was current within `retention`, and of none `needed`.

    Files that no commit knows go when they are older than `retention`: it must be longer than any write takes.
    """
    if lake.version(table) is None:
        return Removal()
    kept = _kept_versions(lake, table, needed, datetime.now(UTC) - retention)

    def files(dry_run: bool) -> list[str]:
        return DeltaTable(lake.path(table)).vacuum(
            retention_hours=int(retention / timedelta(hours=1)),
            dry_run=dry_run,
            # Delta refuses less than its own seven days; here the retention is a setting, and `kept` holds it.
            enforce_retention_duration=False,
            full=True,
            keep_versions=kept,
            post_commithook_properties=_KEEP_LOG,
        )

    gone = room(lake.path(table) / name for name in files(dry_run=True))
    if gone.files and not dry_run:
        files(dry_run=False)
    return gone


def _small_files(lake: Lake, table: Table) -> dict[PartitionValue | None, int]:
    """Number of small files by partition (None: of the whole table), where there is more than one."""
    if lake.version(table) is None:
        return {}
    found: dict[PartitionValue | None, int] = {}
    for file in pa.table(DeltaTable(lake.path(table)).get_add_actions(flatten=True)).to_pylist():
        if file["size_bytes"] < SMALL_BYTES:
            value = file[f"partition.{table.partition_by}"] if table.partition_by else None
            found[value] = found.get(value, 0) + 1
    return {value: count for value, count in found.items() if count > 1}


def _rewrite(delta: DeltaTable, table: Table, partitions: list[PartitionValue]) -> dict[str, Any]:
    only: Any = [(str(table.partition_by), "in", [str(value) for value in partitions])] if partitions else None
    columns = clustering(table)
    if columns:
        return delta.optimize.z_order(columns, only, TARGET_BYTES, post_commithook_properties=_KEEP_LOG)
    return delta.optimize.compact(only, TARGET_BYTES, post_commithook_properties=_KEEP_LOG)


def _kept_versions(lake: Lake, table: Table, needed: Collection[int], since: datetime) -> list[int]:
    """Versions whose files stay: those `needed`, as they are read, and those that were current after `since`.

    Delta's own record of removals is not enough: checkpoints forget them after seven days.
    """
    current, oldest = lake.version(table), delta_log.oldest_version(lake.path(table))
    assert current is not None
    if oldest is None:
        return [current]
    kept = {current} | {lake.newest_same(table, version) for version in needed if oldest <= version <= current}
    for version in range(oldest + 1, current + 1):
        made = delta_log.commit(lake.path(table), version)
        # A version whose successor only adds files has none that its successor lacks.
        if made and made.removed and made.committed_at >= since:
            kept.add(version - 1)
    return sorted(kept)
