"""Who listens: accounts with a home, tastes and habits, their devices and the installations on them."""

from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
import pyarrow as pa

from playback.simulator.catalogue import GENRE_WEIGHTS, Floats, Ints

COUNTRIES = (
    ("US", -300, 26), ("BR", -180, 12), ("GB", 0, 9), ("DE", 60, 9), ("MX", -360, 8), ("FR", 60, 6), ("ES", 60, 5),
    ("IN", 330, 5), ("IT", 60, 4), ("SE", 60, 3), ("NL", 60, 3), ("PL", 60, 3), ("AU", 600, 3), ("CA", -300, 3),
    ("JP", 540, 3), ("AR", -180, 2), ("ID", 420, 2), ("TR", 180, 2), ("NO", 60, 1), ("NP", 345, 1),
)  # fmt: skip
"""Country, offset from UTC in minutes (standard time), share of listeners."""

PLATFORMS = (("android", 40), ("ios", 32), ("web", 10), ("windows", 8), ("macos", 6), ("speaker", 4))
"""Platform and its share of devices."""

MOBILE = 2
"""Platforms below this number are phones."""

VERSIONS = ("8.8.92", "8.9.10", "8.9.36", "9.0.2")
FAVOURITES = 3

_SECOND_INSTALL = 0.08


@dataclass(frozen=True)
class Audience:
    """Listeners by number; installations by number, sorted by listener."""

    countries: Ints
    utc_offsets: Ints
    activity: Floats
    skippiness: Floats
    favourites: Ints
    """Genres each listener likes, most liked first: shape (listeners, FAVOURITES)."""
    install_listeners: Ints
    install_platforms: Ints
    install_versions: Ints
    first_installs: Ints
    install_counts: Ints
    install_ids: pa.StringArray
    device_ids: pa.StringArray

    def pick_installs(self, listeners: Ints, chance: Floats) -> Ints:
        """One installation of each listener, the first ones most often; `chance` is uniform in [0, 1)."""
        return self.first_installs[listeners] + (chance**2 * self.install_counts[listeners]).astype(np.int64)


def make_audience(seed: int, listeners: int) -> Audience:
    """The audience of that seed and size."""
    rng = np.random.default_rng([seed, 1])
    homes = rng.choice(len(COUNTRIES), listeners, p=_shares([share for _, _, share in COUNTRIES]))
    taste = np.log(GENRE_WEIGHTS) + rng.gumbel(size=(listeners, len(GENRE_WEIGHTS)))
    device_counts = 1 + rng.binomial(2, 0.35, listeners)
    device_owners = np.repeat(np.arange(listeners), device_counts)
    platforms = rng.choice(len(PLATFORMS), len(device_owners), p=_shares([share for _, share in PLATFORMS]))
    twice = 1 + (rng.random(len(device_owners)) < _SECOND_INSTALL)
    devices = np.repeat(np.arange(len(device_owners)), twice)
    owners = device_owners[devices]
    counts = np.bincount(owners, minlength=listeners)
    return Audience(
        countries=homes,
        utc_offsets=np.array([offset for _, offset, _ in COUNTRIES])[homes],
        activity=rng.lognormal(0, 0.9, listeners),
        skippiness=rng.beta(2, 6, listeners),
        favourites=np.argsort(-taste, axis=1)[:, :FAVOURITES],
        install_listeners=owners,
        install_platforms=platforms[devices],
        install_versions=rng.integers(len(VERSIONS), size=len(owners)),
        first_installs=np.cumsum(counts) - counts,
        install_counts=counts,
        install_ids=pa.array([_name(seed, "install", number) for number in range(len(owners))]),
        device_ids=pa.array([_name(seed, "device", number) for number in devices.tolist()]),
    )


def _shares(weights: list[int]) -> Floats:
    return np.array(weights, np.float64) / sum(weights)


def _name(seed: int, kind: str, number: int) -> str:
    return blake2b(f"{seed}:{kind}:{number}".encode(), digest_size=8).hexdigest()
