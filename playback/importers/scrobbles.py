"""What a scrobble says: that a track was listened to, from when on, and by the services' rules for how long at least.

ListenBrainz and Last.fm take a playback when at least half of the track or four minutes of it were heard, and say
neither how long it was nor how it ended. An event needs `ms_played`, so it gets the least that the rule allows: half of
the track or four minutes, or, where nobody knows how long the track is, 30 seconds, which is half of a track of one
minute. `outcome` is play: a playback that the listener left before that is never sent, so that no scrobble can be taken
for a skip. Sums of `ms_played` over scrobbles are thus lower bounds, and of skips nothing is known.
"""

LONGEST_NEEDED_MS = 240_000
UNKNOWN_LENGTH_MS = 30_000
MAX_LENGTH_MS = 86_400_000
"""A longer track, or one of no length, is a client's mistake: its length counts as not known."""


def heard(begin: int, track_ms: int | None) -> dict[str, object]:
    """Fields of a scrobble that began at `begin` (microseconds since 1970) of a track of `track_ms` milliseconds.

    `occurred_at` is the moment a playback ended: the latest possible one where the length is known, else `begin`.
    """
    if track_ms is not None and not 0 < track_ms <= MAX_LENGTH_MS:
        track_ms = None
    return {
        "occurred_at": begin + 1_000 * (track_ms or 0),
        "outcome": "play",
        "ms_played": UNKNOWN_LENGTH_MS if track_ms is None else min(track_ms // 2, LONGEST_NEEDED_MS),
        "track_ms": track_ms,
    }
