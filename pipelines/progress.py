"""How far the live pipeline is: one small file in the home, written with every change and read by `tonearm status`."""

import json
import math
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from infra.replace_file import replace_file
from pipelines.transforms.rules import Rules

if TYPE_CHECKING:
    from pipelines.transforms.elements import Changes  # Beam takes seconds to import, and who reads has no need of it

_WINDOW_SECONDS = 30.0


@dataclass(frozen=True)
class Progress:
    """What one run had done at a moment; times in seconds and microseconds since 1970, UTC.

    `records` and `dead_letters` came within `seconds`, older ones fading within half a minute. `offsets`: of each
    partition the next one to be read.
    """

    run_number: int
    at: float
    passed_us: int
    marker_us: int
    caught_up: bool
    offsets: dict[int, int]
    records: float
    dead_letters: float
    seconds: float
    rules: Rules

    @property
    def is_recent(self) -> bool:
        """Whether the pipeline seems to run: it says something at least every few seconds."""
        return time.time() - self.at < _WINDOW_SECONDS

    @property
    def delay_seconds(self) -> float:
        """How far the time that the log was read up to was behind the clock."""
        return max(0.0, self.at - self.passed_us / 1e6)


def write_progress(home: Path, run_number: int, rules: Rules, changes: "Changes") -> None:
    """Say what was written; rates are over half a minute. A worker elsewhere has no home, and nobody asks there."""
    if not home.is_dir():
        return
    before, now = read_progress(home), time.time()
    records, letters, seconds = float(changes.records), float(changes.dead_letters), 0.0
    if before and before.run_number == run_number:
        kept = math.exp((before.at - now) / _WINDOW_SECONDS)
        seconds = before.seconds * kept + now - before.at
        records, letters = before.records * kept + records, before.dead_letters * kept + letters
    said = Progress(
        run_number=run_number,
        at=now,
        passed_us=changes.passed_us,
        marker_us=changes.marker_us,
        caught_up=changes.caught_up,
        offsets=changes.offsets,
        records=records,
        dead_letters=letters,
        seconds=seconds,
        rules=rules,
    )
    replace_file(home.resolve() / "live.json", json.dumps(asdict(said)))


def read_progress(home: Path) -> Progress | None:
    """What the last run said last; None where there was none."""
    try:
        kept = json.loads((home.resolve() / "live.json").read_text())
        kept["offsets"] = {int(one): offset for one, offset in kept["offsets"].items()}
        return Progress(**kept | {"rules": Rules(**kept["rules"])})
    except (FileNotFoundError, ValueError, TypeError, KeyError):
        return None
