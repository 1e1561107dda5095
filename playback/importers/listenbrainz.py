"""ListenBrainz's export: all listens as they were submitted, a JSON object a line; earlier exports are one JSON list.

`listened_at` is when the playback began; what a listen says of how long and how it went is in `scrobbles`. A track is
the recording's MusicBrainz id as the client submitted it, else Spotify's id, else the recording that ListenBrainz
itself matched, which can be another one in a later export: it is no part of a playback's identity. Other addresses of
tracks are not taken, because they can be those of somebody's own server.
"""

import re
from collections.abc import Iterator
from pathlib import PurePath
from typing import TypeGuard

from playback.importers.archives import ExportFile
from playback.importers.json_lists import read_list
from playback.importers.lines import read_json_lines
from playback.importers.rows import Batch, Listener, Naming, NoEventError, Playback, Row, in_calendar, text
from playback.importers.scrobbles import heard

FILES = "listens/<year>/<month>.jsonl, listens*.jsonl, <name>_lb-<date>.json"
WITHIN = ("listens/[0-9][0-9][0-9][0-9]/*.jsonl",)

_FAMILY = "listenbrainz"
_MONTH = re.compile(r"[0-9]{1,2}\.jsonl")
_YEAR = re.compile(r"[0-9]{4}")
_LISTENS = re.compile(r"(listens|listenbrainz).*\.jsonl")
_LIST = re.compile(r".+_lb-[0-9]{4}-[0-9]{2}-[0-9]{2}\.json")
_MBID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_SPOTIFY = re.compile(r"https?://open\.spotify\.com/(?:intl-[a-z]+/)?track/([0-9A-Za-z]{22})(?:[?#].*)?", re.DOTALL)


def claims(path: PurePath) -> bool:
    """Whether the file holds listens, by its name and, for a month's, its folder's."""
    is_month = _MONTH.fullmatch(path.name) and _YEAR.fullmatch(path.parent.name)
    return bool(is_month or _LISTENS.fullmatch(path.name) or _LIST.fullmatch(path.name))


def read(file: ExportFile, listener: Listener) -> Iterator[Batch]:
    """Events and rejects of the file. Raises InputError when it cannot be read."""
    if file.name.endswith(".json"):
        return read_list(file, _FAMILY, listener, _understand)
    return Naming(_FAMILY, listener, _understand).batches(read_json_lines(file))


def _understand(row: Row) -> Playback:
    seconds = row.get("listened_at")
    if not _is_number(seconds):
        raise NoEventError("no time in listened_at")
    metadata = row.get("track_metadata")
    if not isinstance(metadata, dict):
        raise NoEventError("no track_metadata")
    begin = in_calendar(round(seconds * 1_000_000))
    info = _object(metadata, "additional_info")
    fields = {
        **heard(begin, _track_ms(info)),
        "track_id": _track_id(info, _object(metadata, "mbid_mapping")),
        "track_title": text(metadata, "track_name"),
        "artist_name": text(metadata, "artist_name"),
        "album_title": text(metadata, "release_name"),
        "content_type": "track",
    }
    # Exports write the same second as a whole number or with a fraction of zero.
    return Playback(str(begin), [fields["artist_name"], fields["track_title"]], 0, fields)


def _track_ms(info: Row) -> int | None:
    milliseconds, seconds = info.get("duration_ms"), info.get("duration")
    if _is_number(milliseconds):
        return round(milliseconds)
    return round(seconds * 1_000) if _is_number(seconds) else None


def _track_id(info: Row, mapping: Row) -> str | None:
    submitted, matched = _mbid(info), _mbid(mapping)
    for name in ("spotify_id", "origin_url"):
        address = _SPOTIFY.fullmatch(text(info, name) or "")
        if address and not submitted:
            return f"spotify:track:{address[1]}"
    return f"mbid:recording:{submitted or matched}" if submitted or matched else None


def _mbid(row: Row) -> str | None:
    given = (text(row, "recording_mbid") or "").lower()
    return given if _MBID.fullmatch(given) else None


def _object(row: Row, name: str) -> Row:
    value = row.get(name)
    return value if isinstance(value, dict) else {}


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)
