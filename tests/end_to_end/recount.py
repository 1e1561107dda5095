"""A second opinion on an export: its playbacks counted by the rules of the design, with the standard library only.

Nothing of the project is imported here: two programs that share a mistake would agree on it.
"""

import json
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

Names = tuple[str, str, str]
"""Artist, title, album; empty where the source does not say."""
TrackKey = tuple[str, ...]
"""(URI,) where there is one, else (artist, title) as they compare."""

HALF_A_MINUTE = 30_000
A_DAY = 86_400_000
LONGEST_TEXT = 1_024
MOST_SKEW = 10
MOST_DIFFERENCE = 3_000


@dataclass(frozen=True)
class Heard:
    """One playback that is an event: `reported` is play, skip or None.

    `rounded_to` is by how many seconds it may have ended later than told: by more than one in a basic export.
    """

    at: datetime
    country: str
    kind: str
    track: TrackKey | None
    names: Names
    reported: str | None
    ms: int
    rounded_to: int

    @property
    def is_play(self) -> bool:
        return self.ms >= HALF_A_MINUTE

    @property
    def is_skip(self) -> bool:
        return self.reported == "skip" or (self.reported is None and self.ms < HALF_A_MINUTE)


@dataclass
class Recount:
    """What an export holds: `unreadable` rows, `repeated` ones (in an earlier file already), and the playbacks.

    `merged` are places in `heard` of those that the extended export tells of too.
    """

    unreadable: int
    repeated: int
    heard: list[Heard]
    merged: set[int] = field(init=False)

    def __post_init__(self) -> None:
        self.merged = _told_again(self.heard)

    @property
    def music(self) -> list[Heard]:
        """What counts: tracks, and each playback once."""
        return [one for place, one in enumerate(self.heard) if one.kind == "track" and place not in self.merged]

    def by_day_country_and_track(self) -> dict[tuple[date, str, TrackKey], tuple[int, int, int, int, int]]:
        """Playbacks, plays, skips, listeners (an export has one) and milliseconds."""
        groups: dict[tuple[date, str, TrackKey], list[Heard]] = defaultdict(list)
        for one in self.music:
            assert one.track is not None
            groups[one.at.date(), one.country, one.track].append(one)
        return {key: (*_counts(group), 1, sum(one.ms for one in group)) for key, group in groups.items()}

    def by_day(self) -> dict[date, tuple[int, int, int, int, int]]:
        """Playbacks, plays, skips, distinct tracks and milliseconds."""
        groups = defaultdict(list)
        for one in self.music:
            groups[one.at.date()].append(one)
        return {
            day: (*_counts(group), len({one.track for one in group}), sum(one.ms for one in group))
            for day, group in groups.items()
        }

    def spellings(self) -> dict[TrackKey, dict[Names, tuple[datetime, datetime]]]:
        """Every spelling of each track or episode, and when it was seen first and last."""
        seen: dict[TrackKey, dict[Names, tuple[datetime, datetime]]] = defaultdict(dict)
        for one in self.heard:
            if one.kind != "unknown":
                assert one.track is not None
                first, last = seen[one.track].get(one.names, (one.at, one.at))
                seen[one.track][one.names] = (min(first, one.at), max(last, one.at))
        return seen

    def charts(self, ids: Mapping[TrackKey, str]) -> set[tuple[object, ...]]:
        """(country, days, position, last day, id, artist, title, plays, ms); `ids` break ties and name the tracks."""
        last = max(one.at.date() for one in self.music)
        shown = {track: _shown(names) for track, names in self.spellings().items()}
        found: set[tuple[object, ...]] = set()
        for days in (7, 28):
            plays: Counter[tuple[str, TrackKey]] = Counter()
            ms: Counter[tuple[str, TrackKey]] = Counter()
            for one in self.music:
                if one.at.date() > last - timedelta(days=days):
                    assert one.track is not None
                    plays[one.country, one.track] += one.is_play
                    ms[one.country, one.track] += one.ms
            for country in {country for country, _ in plays}:
                own = [(-n, ids[track], track) for (where, track), n in plays.items() if where == country and n]
                for position, (minus, name, track) in enumerate(sorted(own)[:100], 1):
                    artist, title, _ = shown[track]
                    found.add((country, days, position, last, name, artist, title, -minus, ms[country, track]))
        return found


def recount(folder: Path, now: datetime) -> Recount:
    """Count the export in `folder`; `now` is UTC without a zone, and times more than a day after it are no events."""
    unreadable = repeated = 0
    heard: list[Heard] = []
    most: Counter[str] = Counter()
    for path in sorted(folder.glob("*.json")):
        read = _basic if path.name.startswith("StreamingHistory") else _extended
        here: Counter[str] = Counter()
        for row in json.loads(path.read_text(encoding="utf-8")):
            try:
                same, one = read(row)
                _refuse(one, now)
            except (ValueError, KeyError, TypeError, AttributeError):
                unreadable += 1
                continue
            # An equal row of an earlier file is the same playback; equal rows of one file are different ones.
            here[same] += 1
            if here[same] <= most[same]:
                repeated += 1
            else:
                heard.append(one)
        most |= here
    return Recount(unreadable, repeated, heard)


def _basic(row: Any) -> tuple[str, Heard]:
    at = datetime.strptime(row["endTime"], "%Y-%m-%d %H:%M")
    artist, title = _text(row.get("artistName")), _text(row.get("trackName"))
    ms = _whole(row["msPlayed"])
    kind = "track" if title else "unknown"
    same = json.dumps(["basic", row["endTime"], artist, title, ms])
    return same, Heard(at, "ZZ", kind, _names_key(artist, title), (artist, title, ""), None, ms, 60)


def _extended(row: Any) -> tuple[str, Heard]:
    at = datetime.strptime(row["ts"], "%Y-%m-%dT%H:%M:%SZ")
    uri, episode = _text(row.get("spotify_track_uri")), _text(row.get("spotify_episode_uri"))
    artist = _text(row.get("master_metadata_album_artist_name")) or _text(row.get("episode_show_name"))
    song, talk = _text(row.get("master_metadata_track_name")), _text(row.get("episode_name"))
    names = (artist, song or talk, _text(row.get("master_metadata_album_album_name")))
    kind = "track" if uri or song else "episode" if episode or talk else "unknown"
    key = (uri or episode,) if uri or episode else _names_key(artist, names[1])
    end = row.get("reason_end")
    reported = "skip" if end in ("fwdbtn", "backbtn") or row.get("skipped") is True else None
    if reported is None and end not in (None, "", "unknown"):
        reported = "play"
    ms = _whole(row["ms_played"])
    same = json.dumps(["extended", row["ts"], uri or episode or [artist, names[1]], ms])
    return same, Heard(at, _text(row.get("conn_country")) or "ZZ", kind, key, names, reported, ms, 1)


def _told_again(heard: Sequence[Heard]) -> set[int]:
    """Places of playbacks of the basic export that the extended one tells of too, each by one each, nearest first."""
    kept: set[int] = set()
    merged: set[int] = set()
    for _, _, _, exact, rough in sorted(_pairs(heard)):
        if exact not in kept and rough not in merged:
            kept.add(exact)
            merged.add(rough)
    return merged


def _pairs(heard: Sequence[Heard]) -> Iterator[tuple[float, int, datetime, int, int]]:
    """Skew, difference of what was heard, end, and the places of both, of all that can be one playback."""
    exact: dict[tuple[date, TrackKey | None], list[int]] = defaultdict(list)
    for place, one in enumerate(heard):
        if one.rounded_to == 1:
            exact[one.at.date(), _names_key(*one.names[:2])].append(place)
    for rough, one in enumerate(heard):
        if one.rounded_to == 1 or not one.names[1]:
            continue
        for place in exact[one.at.date(), _names_key(*one.names[:2])]:
            other = heard[place]
            later = (one.at - other.at).total_seconds()
            skew = max(later - other.rounded_to, -(later + one.rounded_to), 0)
            if skew <= MOST_SKEW and abs(one.ms - other.ms) <= MOST_DIFFERENCE:
                yield skew, abs(one.ms - other.ms), other.at, place, rough


def _refuse(one: Heard, now: datetime) -> None:
    in_time = datetime(2006, 1, 1) <= one.at <= now + timedelta(days=1)
    if not in_time or not 0 <= one.ms <= A_DAY or max(map(len, one.names)) > LONGEST_TEXT:
        raise ValueError


def _text(value: object) -> str:
    return value if isinstance(value, str) and value.strip() else ""


def _whole(value: object) -> int:
    if type(value) is not int:
        raise TypeError
    return value


def compares_as(text: str) -> str:
    """Names are the same but for case, spaces and the form of their characters."""
    letters = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return " ".join(letters.split())


def _names_key(artist: str, title: str) -> TrackKey | None:
    return (compares_as(artist), compares_as(title)) if title else None


def _counts(group: list[Heard]) -> tuple[int, int, int]:
    return len(group), sum(one.is_play for one in group), sum(one.is_skip for one in group)


def _shown(spellings: Mapping[Names, tuple[datetime, datetime]]) -> Names:
    latest = max(last for _, last in spellings.values())
    return min(names for names, (_, last) in spellings.items() if last == latest)
