"""Playbacks of the simulated service as events."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from playback.arrow import event_schema
from playback.simulator.audience import (
    COUNTRIES,
    PLATFORMS,
    RESET_CLOCK,
    UTC_OFFSETS,
    VERSIONS,
    Audience,
    make_audience,
)
from playback.simulator.catalogue import (
    DOUBLED_SPACES,
    PLAIN,
    TRACK,
    UNKNOWN,
    UPPER_CASE,
    Catalogue,
    Flags,
    Ints,
    make_catalogue,
)
from playback.simulator.chance import chances, happens, hex_ids
from playback.simulator.delivery import EXPORTED, Messages, number_in_install
from playback.simulator.history import CONTEXTS
from playback.simulator.listening import BITRATES_KBPS, NETWORKS, NONE, REASONS, Playbacks
from playback.simulator.live import make_second
from playback.simulator.parameters import Parameters
from playback.simulator.sending import numbers_used, send
from schemas.events import CONTENT_TYPES, CURRENT, OUTCOMES

SOURCE = "simulator"

EXPORT_SOURCE = "spotify-basic"
"""Source of what is told again out of an export."""

_SCHEMA = event_schema(CURRENT)
_EXPORTED = {
    "event_id", "user_id", "install_id", "sequence", "occurred_at", "app_version", "track_title", "artist_name",
    "content_type", "ms_played",
}  # fmt: skip
"""What an export says, and the installation that counts it among its messages."""

_LIVE_NUMBERS_FROM = 1 << 62
"""Numbers of live playbacks begin far above those of the history; each installation has 2^31 of them."""
_NOTHING_KNOWN = 0.002
_COPY_ELSEWHERE = 0.1
_SHUFFLED, _PRIVATE = 0.3, 0.02
_SPELLING_OF_PLATFORM = np.array([PLAIN, PLAIN, PLAIN, UPPER_CASE, DOUBLED_SPACES, UPPER_CASE])
"""How the player of each platform spells what it reads from a file."""


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

    @property
    def begin_ms(self) -> int:
        """The beginning of the history in milliseconds since 1970."""
        return int(self.anchor.replace(tzinfo=UTC).timestamp()) * 1000 - self.parameters.history_ms


@dataclass(frozen=True)
class Reports:
    """Playbacks as installations report them; parallel arrays.

    `numbers` name the events, `copies` are by another installation than the one that played, `exported` come out of an
    export, `skews_ms` is by how much the clock of the installation is fast, or RESET_CLOCK.
    """

    playbacks: Playbacks
    numbers: Ints
    sequences: Ints
    copies: Flags
    exported: Flags
    skews_ms: Ints


def make_world(parameters: Parameters, anchor: datetime, user_ids: Sequence[str]) -> World:
    """The world of these parameters; `user_ids` has one pseudonym for each of `parameters.listeners`."""
    catalogue, audience = make_catalogue(parameters.seed, parameters.days), make_audience(parameters)
    return World(parameters, anchor, pa.array(user_ids, pa.string()), catalogue, audience)


def account_names(parameters: Parameters) -> list[str]:
    """Account names of the listeners, by number."""
    return [f"listener-{number:06d}" for number in range(parameters.listeners)]


def history(world: World) -> Iterator[pa.RecordBatch]:
    """The history as events of the current version in the order of sending, as clients mean them: nothing is spoilt.

    Raises InputError, before the first batch is asked for, when its parameters cannot be played.
    """
    sending = send(world.parameters, world.catalogue, world.audience)
    return (make_events(world, reports_of(world, messages)) for messages in sending.messages)


def sequences_after_history(world: World) -> Ints:
    """The next sequence of each installation when the history is over."""
    return numbers_used(world.parameters, world.catalogue, world.audience)


def live_second(world: World, second: int, rate: float, next_sequences: Ints) -> tuple[pa.RecordBatch, Ints]:
    """Events of one second after the anchor, and the next sequence of each installation after them.

    By then every clock is right.
    """
    playbacks = make_second(world.parameters, world.catalogue, world.audience, second, rate)
    sequences = next_sequences[playbacks.installs] + number_in_install(playbacks.installs)
    after = next_sequences + np.bincount(playbacks.installs, minlength=len(next_sequences))
    numbers = _LIVE_NUMBERS_FROM + (playbacks.installs << 31) + sequences
    nothing = np.zeros(len(playbacks), np.int64)
    return make_events(world, Reports(playbacks, numbers, sequences, nothing != 0, nothing != 0, nothing)), after


def reports_of(world: World, messages: Messages) -> Reports:
    """What the messages report."""
    columns: dict[str, Any] = {
        field.name: messages[field.name].astype(np.int64) for field in fields(Playbacks) if field.name != "held_ms"
    }
    columns |= {"skips": messages["skips"].astype(np.bool_), "held_ms": np.zeros(len(messages), np.int64)}
    return Reports(
        playbacks=Playbacks(**columns),
        numbers=messages["number"].astype(np.int64),
        sequences=messages["sequence"].astype(np.int64),
        copies=messages["copy"].astype(np.bool_),
        exported=messages["twice"] == EXPORTED,
        skews_ms=world.audience.clock_skews_ms[messages["installs"]],
    )


def make_events(world: World, reports: Reports) -> pa.RecordBatch:
    """The reports as events of the current version, as the clients mean them."""
    audience, seed, playbacks = world.audience, world.parameters.seed, reports.playbacks
    installs = pa.array(playbacks.installs)
    listeners = audience.install_listeners[playbacks.installs]
    homes = audience.countries_at(listeners, playbacks.ended_ms)
    elsewhere = reports.copies & happens(seed, "elsewhere", reports.numbers, _COPY_ELSEWHERE)
    seen_in = np.where(elsewhere, homes + 1, homes) % len(COUNTRIES)
    unseen = ~audience.install_tells_country[playbacks.installs]
    silent = ~audience.install_tells_outcome[playbacks.installs]
    versions = audience.install_versions[playbacks.installs]
    old = versions < len(VERSIONS) - 1
    columns = _content(world, reports) | {
        "event_id": hex_ids(seed, "event", reports.numbers, 32),
        "source": pa.repeat(SOURCE, len(playbacks)),
        "user_id": world.user_ids.take(pa.array(listeners)),
        "session_id": hex_ids(seed, "session", playbacks.sessions),
        "device_id": audience.device_ids.take(installs),
        "install_id": audience.install_ids.take(installs),
        "sequence": reports.sequences,
        "occurred_at": _moments(world, playbacks.ended_ms, reports.skews_ms),
        "utc_offset_minutes": UTC_OFFSETS[homes],
        "offline": playbacks.networks == NONE,
        "app_version": _words(VERSIONS, versions),
        "country": _words([code for code, _, _ in COUNTRIES], seen_in, unseen),
        "platform": _words([name for name, _ in PLATFORMS], audience.install_platforms[playbacks.installs]),
        "context": _words(CONTEXTS, playbacks.contexts),
        "outcome": _words(OUTCOMES, playbacks.skips.astype(np.int64), silent),
        "ms_played": playbacks.ms_played,
        "seek_count": playbacks.seeks,
        "paused_ms": playbacks.paused_ms,
        "reason_start": _words(REASONS, playbacks.starts),
        "reason_end": _words(REASONS, playbacks.ends),
        "bitrate_kbps": BITRATES_KBPS[playbacks.networks],
        "rebuffer_count": playbacks.rebuffers,
        "network": _words(NETWORKS, playbacks.networks),
        "shuffle": pa.array(happens(seed, "shuffle", playbacks.sessions, _SHUFFLED), mask=old),
        "private_session": pa.array(happens(seed, "private", playbacks.sessions, _PRIVATE), mask=old),
    }
    arrays = [pa.array(columns[field.name], field.type) for field in _SCHEMA]
    if reports.exported.any():
        arrays = [_exported(array, name, reports.exported) for array, name in zip(arrays, _SCHEMA.names, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=_SCHEMA)


def _exported(values: pa.Array, name: str, exported: Flags) -> pa.Array:
    """The column with what an export says of those that come out of one: its own name, and of most things nothing."""
    if name == "source":
        return pc.if_else(pa.array(exported), EXPORT_SOURCE, values)
    return values if name in _EXPORTED else pc.if_else(pa.array(exported), pa.scalar(None, values.type), values)


def _content(world: World, reports: Reports) -> dict[str, pa.Array]:
    """Columns that say what was played, null where nothing is known of it."""
    audience, catalogue, seed = world.audience, world.catalogue, world.parameters.seed
    tracks = reports.playbacks.tracks
    blank = happens(seed, "nothing known", reports.numbers, _NOTHING_KNOWN)
    platforms = audience.install_platforms[reports.playbacks.installs]
    spelling = np.where(catalogue.local[tracks], _SPELLING_OF_PLATFORM[platforms], PLAIN)
    if reports.exported.any():
        any_of_them = (chances(seed, "spelling", reports.numbers) * (DOUBLED_SPACES + 1)).astype(np.int64)
        spelling = np.where(reports.exported, any_of_them, spelling)
    known, spelled = pa.array(tracks, mask=blank), pa.array(spelling * len(catalogue) + tracks, mask=blank)
    guessed = np.where(chances(seed, "guess", reports.numbers) < 0.5, TRACK, UNKNOWN)
    return {
        "track_id": catalogue.uris.take(known),
        "track_title": catalogue.titles.take(spelled),
        "artist_name": catalogue.artists.take(spelled),
        "album_title": catalogue.albums.take(known),
        "content_type": _words(CONTENT_TYPES, np.where(blank, guessed, catalogue.content_types[tracks])),
        "track_ms": pa.array(catalogue.durations_ms[tracks], mask=blank),
    }


def _moments(world: World, ended_ms: Ints, skews_ms: Ints) -> pa.TimestampArray:
    """What the clock of each client says."""
    reset = skews_ms == RESET_CLOCK
    shown_ms = ended_ms + np.where(reset, 0, world.begin_ms + np.where(reset, 0, skews_ms))
    return pa.array(shown_ms * 1000).cast(_SCHEMA.field("occurred_at").type)


def _words(words: Sequence[str], numbers: Ints, unknown: Flags | None = None) -> pa.StringArray:
    return pa.array(words, pa.string()).take(pa.array(numbers, mask=unknown))
