"""Spotify's basic export ("account data"): the last year, to the minute, without countries or ids of tracks."""

import re
from collections.abc import Iterator
from pathlib import PurePath

from playback.importers.archives import ExportFile
from playback.importers.json_lists import read_list
from playback.importers.rows import Batch, Listener, Playback, Row, milliseconds, text, time_text, utc_microseconds

FILES = "StreamingHistory<n>.json, StreamingHistory_music_<n>.json"

_NAME = re.compile(r"StreamingHistory(_music_)?[0-9]+\.json")
_MINUTE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}")


def claims(path: PurePath) -> bool:
    """Whether the file is a basic history of music, by its name."""
    return bool(_NAME.fullmatch(path.name))


def read(file: ExportFile, listener: Listener) -> Iterator[Batch]:
    """Events and rejects of the file; times are UTC minutes. Raises InputError when the file cannot be read."""
    return read_list(file, "spotify-basic", listener, _understand)


def _understand(row: Row) -> Playback:
    time = time_text(row, "endTime", _MINUTE)
    fields: dict[str, object] = {
        "occurred_at": utc_microseconds(time),
        "track_title": text(row, "trackName"),
        "artist_name": text(row, "artistName"),
        "content_type": "track",
    }
    return Playback(time, [fields["artist_name"], fields["track_title"]], milliseconds(row, "msPlayed"), fields)
