"""Playbacks of the simulated service as events."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b

import numpy as np
import pyarrow as pa

from playback.arrow import event_schema
from playback.simulator.audience import COUNTRIES, PLATFORMS, VERSIONS, Audience, make_audience
from playback.simulator.catalogue import Catalogue, Ints, make_catalogue
from playback.simulator.history import CONTEXTS, make_history, number_in_install
from playback.simulator.listening import BITRATES_KBPS, NETWORKS, NONE, REASONS, Playbacks
from playback.simulator.live import make_second
from playback.simulator.parameters import Parameters
from schemas.events import CURRENT

SOURCE = "simulator"
BATCH_ROWS = 50_000

_SCHEMA = event_schema(CURRENT)


@dataclass(frozen=True)
class World:
    """Everything that stays the same while a simulation plays: who listens to what, from which moment on.

    `anchor` is the end of the history in UTC; `user_ids` are the listeners' pseudonyms in order of their number.
    """

    parameters: Parameters
    anchor: datetime
    user_ids: pa.StringArray
    catalogue: Catalogue
    audience: Audience


def make_world(parameters: Parameters, anchor: datetime, user_ids: Sequence[str]) -> World:
    """The world of these parameters; `user_ids` has one pseudonym for each of `parameters.listeners`."""
    catalogue, audience = make_catalogue(parameters.seed), make_audience(parameters.seed, parameters.listeners)
    return World(parameters, anchor, pa.array(user_ids, pa.string()), catalogue, audience)


def account_names(parameters: Parameters) -> list[str]:
    """Account names of the listeners, by number."""
    return [f"listener-{number:06d}" for number in range(parameters.listeners)]


def history(world: World) -> Iterator[pa.RecordBatch]:
    """The history as events of the current version, by time of their end, in batches of BATCH_ROWS.

    Raises InputError, before the first batch is asked for, when its parameters cannot be played.
    """
    playbacks = make_history(world.parameters, world.catalogue, world.audience)
    sequences = number_in_install(playbacks.installs)
    parts = [slice(start, start + BATCH_ROWS) for start in range(0, len(playbacks), BATCH_ROWS)]
    return (_events(world, playbacks.take(part), sequences[part]) for part in parts)


def sequences_after_history(world: World) -> Ints:
    """The next sequence of each installation when the history is over."""
    installs = make_history(world.parameters, world.catalogue, world.audience).installs
    return np.bincount(installs, minlength=len(world.audience.install_listeners)).astype(np.int64)


def live_second(world: World, second: int, rate: float, next_sequences: Ints) -> tuple[pa.RecordBatch, Ints]:
    """Events of one second after the anchor, and the next sequence of each installation after them."""
    playbacks = make_second(world.parameters, world.catalogue, world.audience, second, rate)
    sequences = next_sequences[playbacks.installs] + number_in_install(playbacks.installs)
    after = next_sequences + np.bincount(playbacks.installs, minlength=len(next_sequences))
    return _events(world, playbacks, sequences), after


def _events(world: World, playbacks: Playbacks, sequences: Ints) -> pa.RecordBatch:
    audience, catalogue, seed = world.audience, world.catalogue, world.parameters.seed
    installs, tracks = pa.array(playbacks.installs), pa.array(playbacks.tracks)
    listeners = audience.install_listeners[playbacks.installs]
    begin_us = (int(world.anchor.replace(tzinfo=UTC).timestamp()) * 1000 - world.parameters.history_ms) * 1000
    ended = pa.array(begin_us + playbacks.ended_ms * 1000)
    ids = zip(playbacks.installs.tolist(), sequences.tolist(), strict=True)
    columns = {
        "event_id": [_digest(f"{seed}:{install}:{sequence}", 16) for install, sequence in ids],
        "source": pa.repeat(SOURCE, len(playbacks)),
        "user_id": world.user_ids.take(pa.array(listeners)),
        "session_id": [_digest(f"{seed}:session:{session}", 8) for session in playbacks.sessions.tolist()],
        "device_id": audience.device_ids.take(installs),
        "install_id": audience.install_ids.take(installs),
        "sequence": sequences,
        "occurred_at": ended.cast(_SCHEMA.field("occurred_at").type),
        "utc_offset_minutes": audience.utc_offsets[listeners],
        "offline": playbacks.networks == NONE,
        "app_version": _words(VERSIONS, audience.install_versions[playbacks.installs]),
        "track_id": catalogue.uris.take(tracks),
        "track_title": catalogue.titles.take(tracks),
        "artist_name": catalogue.artists.take(tracks),
        "album_title": catalogue.albums.take(tracks),
        "content_type": pa.repeat("track", len(playbacks)),
        "country": _words([code for code, _, _ in COUNTRIES], audience.countries[listeners]),
        "platform": _words([name for name, _ in PLATFORMS], audience.install_platforms[playbacks.installs]),
        "context": _words(CONTEXTS, playbacks.contexts),
        "outcome": _words(("play", "skip"), playbacks.skips.astype(np.int64)),
        "ms_played": playbacks.ms_played,
        "track_ms": catalogue.durations_ms[playbacks.tracks],
        "seek_count": playbacks.seeks,
        "paused_ms": playbacks.paused_ms,
        "reason_start": _words(REASONS, playbacks.starts),
        "reason_end": _words(REASONS, playbacks.ends),
        "bitrate_kbps": BITRATES_KBPS[playbacks.networks],
        "rebuffer_count": playbacks.rebuffers,
        "network": _words(NETWORKS, playbacks.networks),
    }
    arrays = [pa.array(columns[field.name], field.type) for field in _SCHEMA]
    return pa.RecordBatch.from_arrays(arrays, schema=_SCHEMA)


def _words(words: Sequence[str], numbers: Ints) -> pa.StringArray:
    return pa.array(words, pa.string()).take(pa.array(numbers))


def _digest(text: str, size: int) -> str:
    return blake2b(text.encode(), digest_size=size).hexdigest()
