"""A lake whose silver tables are written as a test says, and the statistics over them."""

from datetime import UTC, date, datetime

import pyarrow as pa
from pyspark.sql import functions as F

from infra.delta_writer import DeltaWriter
from infra.lake import Lake
from infra.settings import ROUND_ROWS
from jobs.runner import Runner
from playback.identity import artist_ids
from schemas import catalog
from schemas.gold import COUNTRY_CHARTS, DAILY_TRACK_PLAYS, DAILY_USER_PLAYS
from schemas.music_catalogue import TRACK_FACTS
from schemas.silver import MERGED_PLAYS, PLAYS, TRACKS
from schemas.statistics import TAG
from tests.jobs.unchecked import Unchecked

STATISTICS = [table for table in catalog.tables().values() if TAG in table.tags and table.is_derived]
DAILY = [DAILY_USER_PLAYS, DAILY_TRACK_PLAYS, COUNTRY_CHARTS]
"""What else can be computed from the same silver tables."""
ANNA, BEN = "0a" + "0" * 30, "ff" + "0" * 30


def play(name, user_id=ANNA, day=date(2026, 11, 19), hour=10, **fields):
    at = datetime(day.year, day.month, day.day, hour, tzinfo=UTC)
    usual = {
        "event_id": name,
        "user_id": user_id,
        "event_date": day,
        "occurred_at": at,
        "country": "DE",
        "content_type": "track",
        "track_id": "t",
        "artist_name": "Artist",
        "track_title": "Title",
        "ms_played": 60_000,
        "counts_as_play": True,
        "input_positions": "{}",
    }
    return usual | fields


def track(track_id="t", artist="Artist"):
    (artist_id,) = artist_ids(pa.array([artist])).to_pylist()
    return {
        "track_id": track_id,
        "content_type": "track",
        "artist_name": artist,
        "track_title": "Title",
        "album_title": "",
        "artist_id": artist_id,
        "album_id": "",
        "is_current": True,
    }


def fact(track_id="t", release_year=0, genres=""):
    """What the catalogue knows of a track."""
    return {"track_id": track_id, "release_year": release_year, "genres": genres}


def merge(one):
    """The row of silver.merged_plays that leaves this play out."""
    return {name: one[name] for name in ("event_id", "event_date", "user_id")}


class Shelf:
    """Silver tables that statistics read by `write`, statistics by `refresh`, in rounds of `round_rows`."""

    def __init__(self, session, root, frame, round_rows=ROUND_ROWS):
        self.lake, self.session, self._frame = Lake(root), session, frame
        self.runner = Runner(session, self.lake, Unchecked(root), round_rows=round_rows)
        self._written = {}

    def write(self, *plays, merged=(), facts=()):
        """silver.plays has exactly these rows, those of the ids `merged` are merged; only what differs is written.

        `facts`: rows of silver.track_facts, which is written each time, as it is where there are new plays.
        """
        self._write(MERGED_PLAYS, [merge(one) for one in plays if one["event_id"] in merged])
        self._write(PLAYS, plays)
        self.lake.create(TRACKS)
        writer = DeltaWriter(self.session, self.lake)
        spelled = {(one["track_id"], one["artist_name"]) for one in plays}
        writer.replace_all(TRACKS, self._stored(TRACKS, [track(*one) for one in sorted(spelled)]))
        self.lake.create(TRACK_FACTS)
        writer.replace_all(TRACK_FACTS, self._stored(TRACK_FACTS, facts))

    def _write(self, table, rows):
        self.lake.create(table)
        was, now = (
            {(one["event_date"], tuple(sorted(one.items()))) for one in side}
            for side in (self._written.get(table.full_name, ()), rows)
        )
        self._written[table.full_name] = rows
        days = {one[0] for one in was ^ now}
        if days:
            of_days = [one for one in rows if one["event_date"] in days]
            DeltaWriter(self.session, self.lake).replace_partitions(table, self._stored(table, of_days), days)

    def _stored(self, table, rows):
        return self._frame(table, *rows).withColumn("input_positions", F.lit("{}"))

    def refresh(self, tables=STATISTICS):
        """Bring these tables (all statistics) up to date; what was refreshed, by full name."""
        return {table.full_name: self.runner.refresh(table) for table in tables}

    def digests(self, tables=STATISTICS):
        """Content of these tables (all statistics)."""
        return {table.full_name: self.lake.digest(table) for table in tables}
