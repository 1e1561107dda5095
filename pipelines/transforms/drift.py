"""How far the taste of a session has drifted: its last plays against those before them."""

import numpy as np
import numpy.typing as npt

from schemas.live import RECENT_PLAYS

Artists = npt.NDArray[np.int64]
Known = npt.NDArray[np.bool_]


def taste_drift(latest: Artists, known: Known) -> tuple[npt.NDArray[np.int32], Known]:
    """Per mille of each row's drift, and whether it has one.

    `latest`: artists (numbers that stand for them) of the last plays of each session, the last one first; `known` is
    False where there are no more. Of the shares p of the artists of the first RECENT_PLAYS columns and q of the others
    it is the total variation distance, 1 - sum of min(p, q), rounded half up; whole numbers only, so that it is the
    same everywhere. A row without any of the others has none.
    """
    recent, earlier = latest[:, :RECENT_PLAYS], latest[:, RECENT_PLAYS:]
    count = known[:, RECENT_PLAYS:].sum(axis=1, dtype=np.int64)
    same = recent[:, :, None] == recent[:, None, :]
    before = (recent[:, :, None] == earlier[:, None, :]) & known[:, None, RECENT_PLAYS:]
    # each artist once, where it stands first
    is_first = ~np.tril(same, -1).any(axis=2)
    shared = np.minimum(same.sum(axis=2) * count[:, None], before.sum(axis=2) * RECENT_PLAYS)
    whole = np.maximum(RECENT_PLAYS * count, 1)
    apart = whole - (shared * is_first).sum(axis=1)
    return ((2_000 * apart + whole) // (2 * whole)).astype(np.int32), count > 0
