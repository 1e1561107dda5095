"""Append times as a reader may rely on them: none falls behind the one before it, or behind what is passed."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Cut:
    """How far a log was read: records before `offsets` (0: none is named), and with them all before `passed_us`."""

    passed_us: int = 0
    offsets: dict[int, int] = field(default_factory=dict)


def log_times(
    offsets: Ints, appended_us: Ints, ceiling_us: int, floor_us: int, unread_from: int, unread_floor_us: int
) -> Ints:
    """The times at which records of one partition count as appended, in their order.

    Mostly those of the broker. A record that it has stamped earlier than the record before, or than `floor_us`, or,
    from the offset `unread_from` on, than `unread_floor_us`, counts as appended then. A time past `ceiling_us` says
    nothing: the record counts as appended with the one before, and those after it by their own times.
    """
    floors = np.where(offsets >= unread_from, max(floor_us, unread_floor_us), floor_us)
    believed = np.where(appended_us > ceiling_us, 0, appended_us)
    times: Ints = np.maximum.accumulate(np.maximum(believed, floors))
    return times
