"""What happens while somebody listens: which track comes, whether it is skipped, how it ends."""

from dataclasses import dataclass

import numpy as np

from playback.simulator.audience import FAVOURITES, MOBILE, Audience
from playback.simulator.catalogue import GENRE_WEIGHTS, Catalogue, Flags, Ints

TRACKDONE, ENDPLAY, FWDBTN, BACKBTN, CLICKROW, APPLOAD = range(6)
REASONS = ("trackdone", "endplay", "fwdbtn", "backbtn", "clickrow", "appload")
WIFI, CELLULAR, ETHERNET, NONE = range(4)
NETWORKS = ("wifi", "cellular", "ethernet", "none")
BITRATES_KBPS = np.array([160, 96, 320, 160])

_GENRE_OF_TASTE = np.cumsum([0.55, 0.22, 0.11])
_STRANGE_TRACK = 0.22
_FIRST_TRACKS = 0.12
_SKIPPED_AFTER_MS = 22_000
_STOPPED_EARLY = 0.35
_FARMED_MS = (31_000, 39_000)


@dataclass(frozen=True)
class Playbacks:
    """Playbacks as parallel arrays, one element each; numbers refer to audience and catalogue.

    `ended_ms` are milliseconds since the beginning of the history, `sessions` numbers that name the session; for
    `held_ms` after its end a device without a connection keeps the playback to itself.
    """

    installs: Ints
    sessions: Ints
    contexts: Ints
    ended_ms: Ints
    held_ms: Ints
    tracks: Ints
    skips: Flags
    ms_played: Ints
    paused_ms: Ints
    seeks: Ints
    starts: Ints
    ends: Ints
    networks: Ints
    rebuffers: Ints

    def __len__(self) -> int:
        return len(self.installs)

    def take(self, chosen: Ints | slice) -> "Playbacks":
        """The chosen playbacks, in that order."""
        return Playbacks(**{name: values[chosen] for name, values in vars(self).items()})


@dataclass(frozen=True)
class Heard:
    """How each playback went; parallel arrays."""

    tracks: Ints
    skips: Flags
    ms_played: Ints
    paused_ms: Ints
    seeks: Ints
    ends: Ints


@dataclass(frozen=True)
class Choice:
    """What each playback is of, and whether its genre is one that the listener likes; parallel arrays."""

    tracks: Ints
    liked: Flags

    def take(self, chosen: Ints) -> "Choice":
        """The chosen elements, in that order."""
        return Choice(self.tracks[chosen], self.liked[chosen])


def choose(
    rng: np.random.Generator, catalogue: Catalogue, audience: Audience, listeners: Ints, moments_ms: Ints | int
) -> Choice:
    """One track for each listener, of those that are out at that moment of the history."""
    genres, liked = _genres(rng, audience, listeners)
    return Choice(catalogue.out_by(catalogue.pick(genres, rng.random(len(listeners))), moments_ms), liked)


def listen(
    rng: np.random.Generator,
    catalogue: Catalogue,
    audience: Audience,
    listeners: Ints,
    choice: Choice,
    positions: Ints,
    last: Flags,
) -> Heard:
    """One playback for each element: by whom, of what, at which position of its session, and whether as the last."""
    count = len(listeners)
    tracks, liked = choice.tracks, choice.liked
    durations = catalogue.durations_ms[tracks]
    appetite = audience.skippiness[listeners] + _STRANGE_TRACK * ~liked + _FIRST_TRACKS * np.exp(-positions / 3)
    skips = rng.random(count) < np.clip(appetite, 0.02, 0.9)
    stopped = ~skips & last & (rng.random(count) < _STOPPED_EARLY)
    skipped_at = np.minimum(300 + rng.exponential(_SKIPPED_AFTER_MS, count), 0.95 * durations)
    stopped_at = (0.1 + 0.9 * rng.random(count)) * durations
    played = np.where(skips, skipped_at, np.where(stopped, stopped_at, durations)).astype(np.int64)
    paused = np.where(rng.random(count) < 0.03, rng.lognormal(10.3, 1, count), 0).astype(np.int64)
    back = rng.random(count) < 0.08
    ends = np.where(skips, np.where(back, BACKBTN, FWDBTN), np.where(stopped, ENDPLAY, TRACKDONE))
    return Heard(tracks, skips, played, np.minimum(paused, 3_600_000), rng.poisson(0.05, count), ends)


def farm(rng: np.random.Generator, catalogue: Catalogue, heard: Heard, positions: Ints, bots: Flags) -> Heard:
    """The same playbacks, but where bots are at work: a few tracks in turn, just longer than what counts as a play."""
    played = rng.integers(*_FARMED_MS, size=len(positions))
    return Heard(
        tracks=np.where(bots, catalogue.farmed[positions % len(catalogue.farmed)], heard.tracks),
        skips=heard.skips & ~bots,
        ms_played=np.where(bots, played, heard.ms_played),
        paused_ms=np.where(bots, 0, heard.paused_ms),
        seeks=np.where(bots, 0, heard.seeks),
        ends=np.where(bots, ENDPLAY, heard.ends),
    )


def connect(rng: np.random.Generator, platforms: Ints) -> Ints:
    """The network of each device in use; phones are offline now and then."""
    chance = rng.random(len(platforms))
    mobile = np.select([chance < 0.04, chance < 0.45], [NONE, CELLULAR], WIFI)
    return np.where(platforms < MOBILE, mobile, np.where(chance < 0.2, ETHERNET, WIFI))


def rebuffer(rng: np.random.Generator, networks: Ints) -> Ints:
    """Interruptions of each playback on its network."""
    return rng.poisson(np.array([0.02, 0.15, 0.01, 0.0])[networks])


def _genres(rng: np.random.Generator, audience: Audience, listeners: Ints) -> tuple[Ints, Flags]:
    """A genre for each playback and whether it is one that the listener likes."""
    rank = np.searchsorted(_GENRE_OF_TASTE, rng.random(len(listeners)), side="right")
    anything = rng.choice(len(GENRE_WEIGHTS), len(listeners), p=GENRE_WEIGHTS / GENRE_WEIGHTS.sum())
    favourite = audience.favourites[listeners, np.minimum(rank, FAVOURITES - 1)]
    genres = np.where(rank < FAVOURITES, favourite, anything)
    return genres, (audience.favourites[listeners] == genres[:, None]).any(axis=1)
