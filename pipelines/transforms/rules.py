"""When an event is counted live. Each verdict follows from the record alone, so a replay gives the same."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from schemas.live import FATES, HORIZON_HOURS, LATENESS_SECONDS, MAX_AHEAD_SECONDS, SESSION_GAP_SECONDS, WINDOW_SECONDS

SECOND_US = 1_000_000
MINUTE_US = 60 * SECOND_US
DAY_US = 24 * 60 * MINUTE_US
ACCEPTED, DUPLICATE, LATE, AHEAD, BEYOND_HORIZON, DEAD_LETTER = range(len(FATES))
"""Codes of the fates in the order of `schemas.live.FATES`."""

Fates = npt.NDArray[np.int8]
Times = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Rules:
    """Bounds of the present, in microseconds; windows are a minute."""

    window_us: int = WINDOW_SECONDS * SECOND_US
    lateness_us: int = LATENESS_SECONDS * SECOND_US
    max_ahead_us: int = MAX_AHEAD_SECONDS * SECOND_US
    horizon_us: int = HORIZON_HOURS * 3600 * SECOND_US
    session_gap_us: int = SESSION_GAP_SECONDS * SECOND_US

    @property
    def memory_minutes(self) -> int:
        """Minutes of append time within which a repeat is looked for.

        An event can be counted from `max_ahead_us` before its window until `lateness_us` after it.
        """
        return -(-(self.window_us + self.lateness_us + self.max_ahead_us) // MINUTE_US)

    def windows(self, occurred_us: Times) -> Times:
        """Start of the window of each event."""
        return occurred_us // self.window_us * self.window_us

    def marker_us(self, passed_us: int) -> int:
        """Start of the oldest open window when the log is read up to `passed_us`: nothing can change what is before.

        A window is over when every partition has passed its end by the lateness, since a record that is appended at
        exactly that moment still counts.
        """
        return max(0, passed_us - 1 - self.lateness_us) // self.window_us * self.window_us

    def exact_from_us(self, marker_us: int) -> int:
        """Append time from which a pipeline that starts from a marker has to know every record's fate."""
        return max(0, marker_us - self.max_ahead_us) // MINUTE_US * MINUTE_US

    def sessions_from_us(self, marker_us: int) -> int:
        """Start of the oldest window before a marker in which a session can have stood that goes on behind it."""
        return max(0, marker_us - self.session_gap_us - self.window_us)

    def replay_from_us(self, marker_us: int) -> int:
        """Append time from which it has to read: repeats of earlier records must be known as such."""
        return max(0, self.exact_from_us(marker_us) - self.memory_minutes * MINUTE_US)


def judge(classified: pa.RecordBatch, rules: Rules) -> Fates:
    """The fate of each record before repeats are looked for; `classified` has CLASSIFIED_SCHEMA.

    Late is what was appended after its window was over by the lateness, however long it then lay in the topic: a
    backlog makes nothing late.
    """
    fates = np.full(classified.num_rows, ACCEPTED, np.int8)
    appended = classified["appended_at"].cast(pa.int64()).to_numpy()
    occurred = classified["occurred_at"].cast(pa.int64()).fill_null(0).to_numpy()
    over = rules.windows(occurred) + rules.window_us + rules.lateness_us
    fates[appended > over] = LATE
    fates[occurred > appended + rules.max_ahead_us] = AHEAD
    fates[occurred < appended - rules.horizon_us] = BEYOND_HORIZON
    fates[classified["reason"].is_valid().to_numpy(zero_copy_only=False)] = DEAD_LETTER
    return fates
