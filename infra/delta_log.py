"""Single commits of a Delta table, as its log has them.

`deltalake` tells the files of a version and what operations there were, but not whether a commit changed rows. The
protocol has `dataChange` for that: compaction adds and removes files with it set to false, and says that the same rows
are there as before; a vacuum commits nothing but its own name.
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote

COMPACTION = "OPTIMIZE"
PROPERTIES = "SET TBLPROPERTIES"
_OF_ROWS = ("add", "remove", "cdc")
_OF_NO_ROWS = ("commitInfo", "txn")


@dataclass(frozen=True)
class Commit:
    """One commit: the files (paths below the table's folder) that it brought and took away."""

    version: int
    operation: str
    committed_at: datetime  # UTC
    added: frozenset[str]
    removed: frozenset[str]
    changes_rows: bool


def commit(folder: Path, version: int) -> Commit | None:
    """The commit that made `version` of the table in `folder`; None when the log has not got it (any more)."""
    file = folder / "_delta_log" / f"{version:020d}.json"
    try:
        actions = [json.loads(line) for line in file.read_text().splitlines() if line]
        written = file.stat().st_mtime * 1000
    except FileNotFoundError:
        return None
    info: dict[str, Any] = next((action["commitInfo"] for action in actions if "commitInfo" in action), {})
    return Commit(
        version,
        str(info.get("operation", "")),
        datetime.fromtimestamp(info.get("timestamp", written) / 1000, UTC),
        frozenset(unquote(action["add"]["path"]) for action in actions if "add" in action),
        frozenset(unquote(action["remove"]["path"]) for action in actions if "remove" in action),
        info.get("operation") != PROPERTIES and any(_changes_rows(*action.popitem()) for action in actions),
    )


def oldest_version(folder: Path) -> int | None:
    """The oldest version that the log can still put together; None when there is no log."""
    log = folder / "_delta_log"
    if (log / f"{0:020d}.json").exists():
        return 0
    return min((int(file.name[:20]) for file in log.glob("*.checkpoint*.parquet")), default=None)


def _changes_rows(kind: str, action: dict[str, object]) -> bool:
    # Another schema or protocol counts as a change: what it means for rows is not looked into.
    return bool(action.get("dataChange", True)) if kind in _OF_ROWS else kind not in _OF_NO_ROWS
