"""Spotify's extended streaming history: all years, to the second, with how each playback began and ended.

Addresses, account name, user agent and anything else that names the listener are never read.
"""

import re
from collections.abc import Iterator
from pathlib import PurePath

from playback.importers.archives import ExportFile
from playback.importers.json_lists import read_list
from playback.importers.rows import Batch, Listener, Playback, Row, milliseconds, text, time_text, utc_microseconds

FILES = "Streaming_History_Audio_<years>_<n>.json, endsong_<n>.json"

_NAME = re.compile(r"(endsong_|Streaming_History_Audio_).+\.json")
_MOMENT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?(Z|[+-][0-9]{2}:?[0-9]{2})?"
)
_COUNTRY = re.compile(r"[A-Z]{2}")
_NO_COUNTRY = "ZZ"
_MOVED_ON = ("fwdbtn", "backbtn")
_NOTHING_REPORTED = (None, "unknown")


def claims(path: PurePath) -> bool:
    """Whether the file is an extended history of audio, by its name."""
    return bool(_NAME.fullmatch(path.name))


def read(file: ExportFile, listener: Listener) -> Iterator[Batch]:
    """Events and rejects of the file; `ts` is the UTC end. Raises InputError when the file cannot be read."""
    return read_list(file, "spotify-extended", listener, _understand)


def _understand(row: Row) -> Playback:
    time = time_text(row, "ts", _MOMENT)
    track, episode = text(row, "spotify_track_uri"), text(row, "spotify_episode_uri")
    title, show = text(row, "master_metadata_track_name"), text(row, "episode_show_name")
    artist, episode_title = text(row, "master_metadata_album_artist_name"), text(row, "episode_name")
    fields = {
        "occurred_at": utc_microseconds(time),
        "offline": _truth(row, "offline"),
        "shuffle": _truth(row, "shuffle"),
        "private_session": _truth(row, "incognito_mode"),
        "track_id": track or episode,
        "track_title": title or episode_title,
        "artist_name": artist or show,
        "album_title": text(row, "master_metadata_album_album_name"),
        "content_type": "track" if track or title else "episode" if episode or episode_title else "unknown",
        "country": _country(row),
        "platform": text(row, "platform"),
        "outcome": _outcome(row),
        "reason_start": text(row, "reason_start"),
        "reason_end": text(row, "reason_end"),
    }
    identity = track or episode or [artist or show, title or episode_title]
    return Playback(time, identity, milliseconds(row, "ms_played"), fields)


def _outcome(row: Row) -> str | None:
    """What the client reported: skip, play, or None where it reported nothing about the end."""
    reason = text(row, "reason_end")
    if reason in _MOVED_ON or row.get("skipped") is True:
        return "skip"
    return None if reason in _NOTHING_REPORTED else "play"


def _truth(row: Row, name: str) -> bool | None:
    value = row.get(name)
    return value if isinstance(value, bool) else None


def _country(row: Row) -> str | None:
    country = text(row, "conn_country")
    return country if country and country != _NO_COUNTRY and _COUNTRY.fullmatch(country) else None
