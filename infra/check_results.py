"""What checks found, kept beside the lake until a run has written it into `quality.check_results`.

One file a table and version, replaced as a whole when the version is checked again: a run that died after a check lost
nothing, and a failure is there although the run stopped at it.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from infra.replace_file import replace_file
from schemas.checks import Severity
from schemas.errors import CheckFailedError


@dataclass(frozen=True)
class CheckResult:
    """One check of one version of a table; `message` says what breaks it, and is empty where it holds."""

    checked_table: str
    table_id: str
    table_version: int
    check_name: str
    severity: Severity
    is_met: bool
    row_count: int | None
    unexpected_count: int | None
    message: str
    checked_at: datetime  # UTC


class CheckResults:
    """Results that no run has written into the table yet, of one home."""

    def __init__(self, home: Path) -> None:
        self._folder = home / "checks" / "results"

    def keep(self, results: list[CheckResult]) -> None:
        """Remember the results of one version of one table, instead of what was remembered of the same checks."""
        if not results:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        file = self._file(results[0])
        known = {one.check_name: one for one in [*(_read(file) if file.exists() else ()), *results]}
        rows = [asdict(one) | {"checked_at": one.checked_at.isoformat()} for one in known.values()]
        replace_file(file, json.dumps(rows))

    def kept(self) -> list[CheckResult]:
        """All that is remembered."""
        return [one for file in sorted(self._folder.glob("*.json")) for one in _read(file)]

    def forget(self, results: Iterable[CheckResult]) -> None:
        """They are in the table now."""
        for file in {self._file(one) for one in results}:
            file.unlink(missing_ok=True)

    def _file(self, one: CheckResult) -> Path:
        return self._folder / f"{one.checked_table}.{one.table_id}.{one.table_version}.json"


def raise_for_stops(results: Iterable[CheckResult]) -> None:
    """CheckFailedError, in one sentence, if one with severity *stop* does not hold."""
    stops = [one for one in results if one.severity == "stop" and not one.is_met]
    if stops:
        raise CheckFailedError(
            f"{stops[0].checked_table} version {stops[0].table_version} failed {len(stops)} check(s), nothing after it "
            f"was run or published: {'; '.join(one.message for one in stops)}."
        )


def _read(file: Path) -> list[CheckResult]:
    rows = json.loads(file.read_text())
    return [CheckResult(**row | {"checked_at": datetime.fromisoformat(row["checked_at"])}) for row in rows]


def now() -> datetime:
    """The moment of a check, UTC."""
    return datetime.now(UTC)
