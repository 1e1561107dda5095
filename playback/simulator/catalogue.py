"""The music there is: artists and tracks by genre, few of them popular."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

GENRE_WEIGHTS = np.array([22, 18, 15, 12, 9, 7, 5, 4, 3, 2, 2, 1], np.float64)
"""Share of artists and of listeners' tastes that each genre has."""

_TRACKS = 15_000
_ARTISTS = 1_500
_ZIPF = 0.9
_MEDIAN_MS = 205_000
_SHORTEST_MS, _LONGEST_MS = 45_000, 900_000
_EPISODES = 0.02
_MEDIAN_EPISODE_MS = 1_500_000
_SHORTEST_EPISODE_MS, _LONGEST_EPISODE_MS = 300_000, 7_200_000
_LOCAL_FILES = 0.01
_NEW = 0.04
_FARMED = 5
_DAY_MS = 86_400_000
TRACK, EPISODE, UNKNOWN = range(3)
PLAIN, UPPER_CASE, DOUBLED_SPACES = range(3)
"""How a text is spelled."""
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
    """Tracks by number, sorted by genre; text columns are Arrow, for bulk look-up. Episodes are among them."""

    uris: pa.StringArray
    """Null: a local file, known by its title and artist only."""
    titles: pa.StringArray
    """Of each spelling all tracks: that of track t in spelling s is `s * len(catalogue) + t`. So are artists."""
    artists: pa.StringArray
    albums: pa.StringArray
    genres: Ints
    durations_ms: Ints
    content_types: Ints
    """TRACK or EPISODE."""
    local: Flags
    released_ms: Ints
    """When it came out, in milliseconds since the history began; 0: before."""
    stand_ins: Ints
    """Itself, or of what came out within the history a track of the genre that did not."""
    farmed: Ints
    """The few tracks that bots play."""
    popularity: Floats
    """Cumulative over the tracks; those of genre g lie between `genre_starts[g]` and `genre_starts[g + 1]`."""
    genre_starts: Floats

    def __len__(self) -> int:
        return len(self.genres)

    def pick(self, genres: Ints, chance: Floats) -> Ints:
        """One track of each genre asked for, by popularity; `chance` is uniform in [0, 1)."""
        low, high = self.genre_starts[genres], self.genre_starts[genres + 1]
        found = np.searchsorted(self.popularity, low + chance * (high - low), side="right")
        # rounding can step over the genre's last track
        last = np.searchsorted(self.genres, genres, side="right") - 1
        return np.minimum(found, last).astype(np.int64)

    def out_by(self, tracks: Ints, moments_ms: Ints | int) -> Ints:
        """The tracks, or their stand-ins where they are not out at that moment of the history."""
        return np.where(self.released_ms[tracks] <= moments_ms, tracks, self.stand_ins[tracks])


def make_catalogue(seed: int, days: int) -> Catalogue:
    """The catalogue of that seed, with new releases over the days of the history."""
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
    music_ms = np.clip(_MEDIAN_MS * rng.lognormal(0, 0.28, _TRACKS), _SHORTEST_MS, _LONGEST_MS)
    talk_ms = np.clip(_MEDIAN_EPISODE_MS * rng.lognormal(0, 0.5, _TRACKS), _SHORTEST_EPISODE_MS, _LONGEST_EPISODE_MS)
    titles, names, albums = _titles(rng, _TRACKS), _titles(rng, _ARTISTS), _titles(rng, _TRACKS)
    kind = rng.random(_TRACKS)
    episodes, local = kind < _EPISODES, kind > 1 - _LOCAL_FILES
    released_ms = np.where(rng.random(_TRACKS) < _NEW, rng.integers(days, size=_TRACKS) * _DAY_MS, 0)
    released_ms[starts[:-1]] = 0
    uris = [f"tonearm:{'episode' if episodes[number] else 'track'}:{number:06d}" for number in range(_TRACKS)]
    old_music = np.flatnonzero((released_ms == 0) & ~episodes & ~local)
    return Catalogue(
        uris=pa.array(uris, mask=local),
        titles=_spelled(pa.array(titles)),
        artists=_spelled(pa.array([f"The {name}s" for name in names]).take(pa.array(artists))),
        albums=pa.array(albums),
        genres=genres,
        durations_ms=np.where(episodes, talk_ms, music_ms).astype(np.int64),
        content_types=np.where(episodes, EPISODE, TRACK),
        local=local,
        released_ms=released_ms,
        stand_ins=np.maximum.accumulate(np.where(released_ms == 0, np.arange(_TRACKS), 0)),
        farmed=rng.choice(old_music, _FARMED, replace=False),
        popularity=popularity,
        genre_starts=np.concatenate([[0.0], popularity])[starts],
    )


def _spelled(texts: pa.StringArray) -> pa.StringArray:
    return pa.concat_arrays([texts, pc.utf8_upper(texts), pc.replace_substring(texts, " ", "  ")])


def _zipf(count: int) -> Floats:
    return np.arange(1, count + 1, dtype=np.float64) ** -_ZIPF


def _choose(rng: np.random.Generator, weights: Floats, count: int) -> Ints:
    return rng.choice(len(weights), count, p=weights / weights.sum()).astype(np.int64)


def _titles(rng: np.random.Generator, count: int) -> list[str]:
    first, second = rng.integers(len(_ADJECTIVES), size=count), rng.integers(len(_NOUNS), size=count)
    return [f"{_ADJECTIVES[one]} {_NOUNS[two]}" for one, two in zip(first, second, strict=True)]
