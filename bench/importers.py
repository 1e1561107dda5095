"""Importers: each kind of export, from its file to the payloads that go to Kafka.

The exports are made up here, of a few thousand tracks, and kept nowhere. `event_parquet unnamed` has neither ids nor
listeners in its rows, so that each event is named; the other one has both. Set `TONEARM_BENCH_EXPORT` to the folder of
an export to measure it too.
"""

import json
import os
import tempfile
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from bench.measure import Cost, measure_side, work
from bench.results import QUICK, Options, Result, repeated, results

TRACKS = 3_000
_EXPORT = "TONEARM_BENCH_EXPORT"
_FIRST = datetime(2020, 1, 1, tzinfo=UTC)


def run(options: Options) -> list[Result]:
    count = 40_000 if options.size == QUICK else 400_000
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        sides: dict[str, Callable[[], Cost]] = {}
        for kind, write in KINDS.items():
            path = Path(folder) / kind.replace(" ", "-")
            path.mkdir()
            write(path, count)
            sides[kind] = partial(measure_side, "bench.importers:importer_side", {"path": str(path), "count": count})
        found = results("importers", repeated(sides, options.repeat), count, "rows")
    if export := os.environ.get(_EXPORT):
        found += _real(str(Path(export).resolve()), options.repeat)
    return found


def importer_side(path: str, count: int | None = None) -> None:
    from playback.importers.exports import find_exports, importers
    from playback.importers.rows import Listener
    from playback.messages import event_messages

    importers()
    listener = Listener("0" * 32, lambda names: [f"{abs(hash(name)):032x}" for name in names])
    answer: dict[str, int] = {"rows": 0}
    with work(answer):
        for importer, file in find_exports(Path(path)):
            for batch in importer.read(file, listener):
                answer["rows"] += event_messages(batch.events).num_rows + len(batch.rejects)
    assert count in (None, answer["rows"])


def _real(export: str, repeat: int) -> list[Result]:
    side = partial(measure_side, "bench.importers:importer_side", {"path": export})
    costs = repeated({"export given": side}, repeat)
    return results("importers", costs, costs["export given"][0].answer["rows"], "rows")


def _moment(row: int) -> datetime:
    return _FIRST + timedelta(seconds=200 * row)


def _names(row: int) -> tuple[str, str, str]:
    """Artist, album and title; tracks are not equally common."""
    track = (row * row + 7 * row) % TRACKS
    return f"The Artist No. {track % 300}", f"Album {track % 700}", f"A Song Called {track}"


def _extended(row: int) -> dict[str, Any]:
    artist, album, title = _names(row)
    return {
        "ts": _moment(row).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "username": "nobody",
        "platform": "ios",
        "ms_played": 180_000 + row % 60_000,
        "conn_country": "DE",
        "ip_addr_decrypted": None,
        "user_agent_decrypted": None,
        "master_metadata_track_name": title,
        "master_metadata_album_artist_name": artist,
        "master_metadata_album_album_name": album,
        "spotify_track_uri": f"spotify:track:{hash(title) & (1 << 80) - 1:022x}",
        "episode_name": None,
        "episode_show_name": None,
        "spotify_episode_uri": None,
        "reason_start": "trackdone",
        "reason_end": "trackdone",
        "shuffle": False,
        "skipped": None,
        "offline": False,
        "offline_timestamp": 0,
        "incognito_mode": False,
    }


def _basic(row: int) -> dict[str, Any]:
    artist, _, title = _names(row)
    time = _moment(row).strftime("%Y-%m-%d %H:%M")
    return {"endTime": time, "artistName": artist, "trackName": title, "msPlayed": 180_000 + row % 60_000}


def _listen(row: int) -> dict[str, Any]:
    artist, album, title = _names(row)
    mbid = f"00000000-0000-4000-8000-{row % TRACKS:012x}"
    info = {"duration_ms": 215_000, "recording_mbid": mbid, "media_player": "mpd", "submission_client": "bench"}
    metadata = {"artist_name": artist, "track_name": title, "release_name": album, "additional_info": info}
    seconds = _moment(row).timestamp()
    mapping = {"recording_mbid": mbid, "artist_mbids": [mbid], "artists": [{"artist_mbid": mbid}], "caa_id": 5}
    return {
        "inserted_at": int(seconds),
        "listened_at": seconds,
        "recording_msid": mbid,
        "track_metadata": metadata | {"mbid_mapping": mapping},
    }


def _own(row: int) -> dict[str, Any]:
    artist, album, title = _names(row)
    return {
        "event_id": f"{row:032x}",
        "source": "bench",
        "user": f"listener-{row % 100}",
        "occurred_at": _moment(row).isoformat(),
        "track_title": title,
        "artist_name": artist,
        "album_title": album,
        "content_type": "track",
        "ms_played": 180_000 + row % 60_000,
        "track_ms": 215_000,
    }


def _write_list(name: str, row: Callable[[int], dict[str, Any]], folder: Path, count: int) -> None:
    """Lists in files of some megabytes, as Spotify makes them."""
    for start in range(0, count, 20_000):
        rows = [row(one) for one in range(start, min(start + 20_000, count))]
        (folder / f"{name}{start}.json").write_text(json.dumps(rows), encoding="utf-8")


def _write_zip(folder: Path, count: int) -> None:
    _write_list("endsong_", _extended, folder, count)
    with zipfile.ZipFile(folder / "export.zip", "w", zipfile.ZIP_DEFLATED) as packed:
        for file in sorted(folder.glob("*.json")):
            packed.write(file, f"MyData/{file.name}")
            file.unlink()


def _write_lines(name: str, row: Callable[[int], dict[str, Any]], folder: Path, count: int) -> None:
    with (folder / name).open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(row(one)) + "\n" for one in range(count))


def _write_scrobbles(folder: Path, count: int) -> None:
    with (folder / "scrobbles.csv").open("w", encoding="utf-8") as file:
        file.write("uts,utc_time,artist,artist_mbid,album,album_mbid,track,track_mbid\n")
        for row in range(count):
            artist, album, title = _names(row)
            time = _moment(row)
            file.write(f'"{time:%s}","{time:%d %b %Y, %H:%M}","{artist}","","{album}","","{title}",""\n')


def _write_parquet(without: tuple[str, ...], folder: Path, count: int) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = [_own(row) | {"occurred_at": _moment(row)} for row in range(count)]
    pq.write_table(pa.Table.from_pylist(rows).drop_columns(list(without)), folder / "events.parquet")


KINDS: dict[str, Callable[[Path, int], None]] = {
    "spotify_extended": partial(_write_list, "endsong_", _extended),
    "spotify_extended in a zip": _write_zip,
    "spotify_basic": partial(_write_list, "StreamingHistory", _basic),
    "listenbrainz": partial(_write_lines, "listens.jsonl", _listen),
    "lastfm": _write_scrobbles,
    "event_lines": partial(_write_lines, "events.ndjson", _own),
    "event_parquet": partial(_write_parquet, ()),
    "event_parquet unnamed": partial(_write_parquet, ("event_id", "user")),
}
