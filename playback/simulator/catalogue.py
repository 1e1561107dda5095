"""The music there is: artists and tracks by genre, few of them popular."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

GENRE_WEIGHTS = np.array([22, 18, 15, 12, 9, 7, 5, 4, 3, 2, 2, 1], np.float64)
"""Share of artists and of listeners' tastes that each genre has."""

_TRACKS = 15_000
_ARTISTS = 1_500
_ZIPF = 0.9
_MEDIAN_MS = 205_000
_SHORTEST_MS, _LONGEST_MS = 45_000, 900_000
# fmt: off
_ADJECTIVES = (
    "Velvet", "Silver", "Paper", "Hollow", "Golden", "Quiet", "Electric", "Broken", "Distant", "Burning", "Salt",
    "Crooked", "Neon", "Winter", "Summer", "Wild", "Glass", "Second", "Midnight", "Amber", "Lonely", "Bright", "Iron",
    "Secret", "Southern", "Northern", "Faded", "Slow", "Tender", "Restless",
)
_NOUNS = (
    "Harbour", "Lantern", "Orchard", "River", "Signal", "Mirror", "Garden", "Engine", "Letter", "Canyon", "Feather",
    "Window", "Shadow", "Parade", "Anchor", "Compass", "Meadow", "Island", "Station", "Thunder", "Needle", "Horizon",
    "Ribbon", "Furnace", "Sparrow", "Avenue", "Tide", "Cinema", "Ember", "Satellite",
)
# fmt: on


@dataclass(frozen=True)
class Catalogue:
    """Tracks by number, sorted by genre; text columns are Arrow, for bulk look-up."""

    uris: pa.StringArray
    titles: pa.StringArray
    artists: pa.StringArray
    albums: pa.StringArray
    genres: Ints
    durations_ms: Ints
    popularity: Floats
    """Cumulative over the tracks; those of genre g lie between `genre_starts[g]` and `genre_starts[g + 1]`."""
    genre_starts: Floats

    def pick(self, genres: Ints, chance: Floats) -> Ints:
        """One track of each genre asked for, by popularity; `chance` is uniform in [0, 1)."""
        low, high = self.genre_starts[genres], self.genre_starts[genres + 1]
        found = np.searchsorted(self.popularity, low + chance * (high - low), side="right")
        # rounding can step over the genre's last track
        last = np.searchsorted(self.genres, genres, side="right") - 1
        return np.minimum(found, last).astype(np.int64)


def make_catalogue(seed: int) -> Catalogue:
    """The catalogue of that seed."""
    rng = np.random.default_rng([seed, 0])
    artist_genres = _choose(rng, GENRE_WEIGHTS, _ARTISTS)
    artist_genres[: len(GENRE_WEIGHTS)] = np.arange(len(GENRE_WEIGHTS))
    artists = _choose(rng, _zipf(_ARTISTS), _TRACKS)
    # every artist has a track, and with it every genre
    artists[:_ARTISTS] = np.arange(_ARTISTS)
    artists = artists[np.argsort(artist_genres[artists], kind="stable")]
    genres = artist_genres[artists]
    popularity = np.cumsum(rng.permutation(_zipf(_TRACKS)))
    starts = np.searchsorted(genres, np.arange(len(GENRE_WEIGHTS) + 1))
    durations = np.clip(_MEDIAN_MS * rng.lognormal(0, 0.28, _TRACKS), _SHORTEST_MS, _LONGEST_MS)
    return Catalogue(
        uris=pa.array([f"tonearm:track:{number:06d}" for number in range(_TRACKS)]),
        titles=pa.array(_titles(rng, _TRACKS)),
        artists=pa.array([f"The {title}s" for title in _titles(rng, _ARTISTS)]).take(pa.array(artists)),
        albums=pa.array(_titles(rng, _TRACKS)),
        genres=genres,
        durations_ms=durations.astype(np.int64),
        popularity=popularity,
        genre_starts=np.concatenate([[0.0], popularity])[starts],
    )


def _zipf(count: int) -> Floats:
    return np.arange(1, count + 1, dtype=np.float64) ** -_ZIPF


def _choose(rng: np.random.Generator, weights: Floats, count: int) -> Ints:
    return rng.choice(len(weights), count, p=weights / weights.sum()).astype(np.int64)


def _titles(rng: np.random.Generator, count: int) -> list[str]:
    first, second = rng.integers(len(_ADJECTIVES), size=count), rng.integers(len(_NOUNS), size=count)
    return [f"{_ADJECTIVES[one]} {_NOUNS[two]}" for one, two in zip(first, second, strict=True)]
