"""Who listens: accounts with a home, tastes and habits, their devices and the installations on them."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from playback.simulator.catalogue import GENRE_WEIGHTS, Flags, Floats, Ints
from playback.simulator.chance import chances, happens, hex_ids
from playback.simulator.parameters import Parameters

COUNTRIES = (
    ("US", -300, 26), ("BR", -180, 12), ("GB", 0, 9), ("DE", 60, 9), ("MX", -360, 8), ("FR", 60, 6), ("ES", 60, 5),
    ("IN", 330, 5), ("IT", 60, 4), ("SE", 60, 3), ("NL", 60, 3), ("PL", 60, 3), ("AU", 600, 3), ("CA", -300, 3),
    ("JP", 540, 3), ("AR", -180, 2), ("ID", 420, 2), ("TR", 180, 2), ("NO", 60, 1), ("NP", 345, 1),
)  # fmt: skip
"""Country, offset from UTC in minutes (standard time), share of listeners."""

UTC_OFFSETS = np.array([offset for _, offset, _ in COUNTRIES])
"""Offset from UTC of each country in minutes."""

PLATFORMS = (("android", 40), ("ios", 32), ("web", 10), ("windows", 8), ("macos", 6), ("speaker", 4))
"""Platform and its share of devices."""

MOBILE = 2
"""Platforms below this number are phones."""

VERSIONS = ("8.8.92", "8.9.10", "8.9.36", "9.0.2")
"""Versions of the client; the last one writes the current version of the event, the others version 1."""

FAVOURITES = 3
YEARS_AHEAD_MS = 10 * 365 * 86_400_000
RESET_CLOCK = np.iinfo(np.int64).min
"""In place of a skew: the clock began in 1970 when the history did."""

_SECOND_INSTALL = 0.08
_JOINING, _LEAVING = 0.15, 0.1
_SILENT_INSTALLS = 0.03
_INSTALLS_WITHOUT_COUNTRY = 0.02
_NEAR_SKEW, _FUTURE = 0.8, 0.9
_NEAR_SKEW_MS = 12 * 3_600_000
_NEVER = np.iinfo(np.int64).max
_DAY_MS = 86_400_000


@dataclass(frozen=True)
class Audience:
    """Listeners by number; installations by number, sorted by listener."""

    countries: Ints
    """Of each listener until `moved_ms`, and `next_countries` from then on; milliseconds since the history began."""
    next_countries: Ints
    moved_ms: Ints
    joined_days: Ints
    """First day of the history on which each listener listens; `left_days` is the first one on which not any more."""
    left_days: Ints
    activity: Floats
    skippiness: Floats
    favourites: Ints
    """Genres each listener likes, most liked first: shape (listeners, FAVOURITES)."""
    install_listeners: Ints
    install_platforms: Ints
    install_versions: Ints
    install_tells_outcome: Flags
    install_tells_country: Flags
    clock_skews_ms: Ints
    """By how much the clock of each installation is fast, or RESET_CLOCK."""
    clocks_disagree: Flags
    """Of each listener: whether two installations tell different times, so that two playbacks can end at once."""
    first_installs: Ints
    install_counts: Ints
    install_ids: pa.StringArray
    device_ids: pa.StringArray

    def pick_installs(self, listeners: Ints, chance: Floats) -> Ints:
        """One installation of each listener, the first ones most often; `chance` is uniform in [0, 1)."""
        return self.first_installs[listeners] + (chance**2 * self.install_counts[listeners]).astype(np.int64)

    def countries_at(self, listeners: Ints, moments_ms: Ints | int) -> Ints:
        """Where each listener is at that moment of the history."""
        return np.where(
            moments_ms < self.moved_ms[listeners], self.countries[listeners], self.next_countries[listeners]
        )


def make_audience(parameters: Parameters) -> Audience:
    """The audience of that seed and size."""
    seed, listeners = parameters.seed, parameters.listeners
    rng = np.random.default_rng([seed, 1])
    homes = rng.choice(len(COUNTRIES), listeners, p=_shares([share for _, _, share in COUNTRIES]))
    taste = np.log(GENRE_WEIGHTS) + rng.gumbel(size=(listeners, len(GENRE_WEIGHTS)))
    device_counts = 1 + rng.binomial(2, 0.35, listeners)
    device_owners = np.repeat(np.arange(listeners), device_counts)
    platforms = rng.choice(len(PLATFORMS), len(device_owners), p=_shares([share for _, share in PLATFORMS]))
    twice = 1 + (rng.random(len(device_owners)) < _SECOND_INSTALL)
    devices = np.repeat(np.arange(len(device_owners)), twice)
    owners = device_owners[devices]
    installs = np.arange(len(owners))
    counts = np.bincount(owners, minlength=listeners)
    activity, skippiness = rng.lognormal(0, 0.9, listeners), rng.beta(2, 6, listeners)
    joined, left = _stays(rng, listeners, parameters.days)
    next_countries, moved_ms = _moves(parameters, homes)
    skews, first_installs = _clock_skews(parameters, installs), np.cumsum(counts) - counts
    return Audience(
        countries=homes,
        next_countries=next_countries,
        moved_ms=moved_ms,
        joined_days=joined,
        left_days=left,
        activity=activity,
        skippiness=skippiness,
        favourites=np.argsort(-taste, axis=1)[:, :FAVOURITES].copy(),
        install_listeners=owners,
        install_platforms=platforms[devices],
        install_versions=rng.integers(len(VERSIONS), size=len(owners)),
        install_tells_outcome=~happens(seed, "silent", installs, _SILENT_INSTALLS),
        install_tells_country=~happens(seed, "without country", installs, _INSTALLS_WITHOUT_COUNTRY),
        clock_skews_ms=skews,
        clocks_disagree=np.minimum.reduceat(skews, first_installs) != np.maximum.reduceat(skews, first_installs),
        first_installs=first_installs,
        install_counts=counts,
        install_ids=hex_ids(seed, "install", installs),
        device_ids=hex_ids(seed, "device", devices),
    )


def _stays(rng: np.random.Generator, listeners: int, days: int) -> tuple[Ints, Ints]:
    """First day and day after the last one of each listener: some join, some leave; the first one is always there."""
    joined = np.where(rng.random(listeners) < _JOINING, (rng.random(listeners) * days).astype(np.int64), 0)
    stay = 1 + (rng.random(listeners) * (days - joined)).astype(np.int64)
    left = np.where(rng.random(listeners) < _LEAVING, joined + stay, days)
    joined[:1], left[:1] = 0, days
    return joined, left


def _moves(parameters: Parameters, homes: Ints) -> tuple[Ints, Ints]:
    """Where each listener moves to, and when, at a midnight in UTC."""
    seed, listeners = parameters.seed, np.arange(len(homes))
    moving = happens(seed, "moves", listeners, parameters.faults.moves)
    step = 1 + (chances(seed, "country", listeners) * (len(COUNTRIES) - 1)).astype(np.int64)
    day = 1 + (chances(seed, "day", listeners) * (parameters.days - 1)).astype(np.int64)
    return (homes + step) % len(COUNTRIES), np.where(moving, day * _DAY_MS, _NEVER)


def _clock_skews(parameters: Parameters, installs: Ints) -> Ints:
    """How fast the clock of each installation is: mostly not at all, else by up to half a day, or quite wrong."""
    seed = parameters.seed
    kind = chances(seed, "kind of skew", installs)
    near = ((2 * chances(seed, "skew", installs) - 1) * _NEAR_SKEW_MS).astype(np.int64)
    skew = np.select([kind < _NEAR_SKEW, kind < _FUTURE], [near, YEARS_AHEAD_MS], RESET_CLOCK)
    return np.where(happens(seed, "clock_skew", installs, parameters.faults.clock_skew), skew, 0)


def _shares(weights: list[int]) -> Floats:
    return np.array(weights, np.float64) / sum(weights)
