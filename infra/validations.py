"""What Great Expectations found of a table last, in its own format, so that its renderers can show it.

Only counts are kept: examples of rows that break an expectation are taken out, because they may name listeners.
"""

import json
from pathlib import Path
from typing import Any

from infra.replace_file import replace_file

COUNTS = frozenset(
    {
        "element_count",
        "unexpected_count",
        "unexpected_percent",
        "unexpected_percent_total",
        "unexpected_percent_nonmissing",
        "missing_count",
        "missing_percent",
    }
)
"""What of an expectation's result is no value of a row."""


class Validations:
    """The last validation of each table in one home."""

    def __init__(self, home: Path) -> None:
        self._folder = home / "checks" / "validations"

    def keep(self, table_name: str, version: int, validation: dict[str, Any]) -> None:
        """Keep `validation`, a suite's result as JSON, of one version of the table, instead of the last one."""
        self._folder.mkdir(parents=True, exist_ok=True)
        kept = without_values(validation) | {"meta": {"table_version": version}}
        replace_file(self._folder / f"{table_name}.json", json.dumps(kept))

    def last(self, table_name: str) -> dict[str, Any] | None:
        """The last one; None where the table was not validated yet."""
        try:
            found: dict[str, Any] = json.loads((self._folder / f"{table_name}.json").read_text())
        except FileNotFoundError:
            return None
        return found


def without_values(validation: dict[str, Any]) -> dict[str, Any]:
    """The same validation without any value of a row, and without traces of errors."""
    return validation | {"results": [_counted(one) for one in validation["results"]]}


def _counted(result: dict[str, Any]) -> dict[str, Any]:
    config = result["expectation_config"]
    kwargs = {name: value for name, value in config["kwargs"].items() if name != "batch_id"}
    counts = {name: value for name, value in (result["result"] or {}).items() if name in COUNTS}
    raised = bool((result.get("exception_info") or {}).get("raised_exception"))
    return {
        "success": result["success"],
        "expectation_config": config | {"kwargs": kwargs},
        "result": counts,
        "meta": {},
        "exception_info": {"raised_exception": raised, "exception_message": None, "exception_traceback": None},
    }
