"""What `write_answers` leaves behind, and random logs against a count in plain Python."""

import random
from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from truth.answers import ANSWERS, STATISTICS, write_answers

Row = dict[str, Any]
START = datetime(2026, 1, 1, tzinfo=UTC)
FATES = ("sent", "accepted", "duplicate", "dead_letter", "replayed", "pending", "lost")


def test_nothing_is_left_but_the_log_and_the_answers(answer: Callable[..., list[Row]], tmp_path: Path) -> None:
    answer("gold.daily_charts", [{}])
    [folder] = tmp_path.iterdir()
    (folder / "truth.work").mkdir()  # of a run that was killed
    (folder / "truth.work" / "work.duckdb").write_bytes(b"half")
    written = write_answers(folder)
    assert written == [folder / f"{name}.parquet" for name in ANSWERS]
    assert {*written, folder / "log.parquet"} == set(folder.iterdir())


def test_without_statistics_none_are_left_of_earlier_ones(answer: Callable[..., list[Row]], tmp_path: Path) -> None:
    answer("gold.daily_charts", [{}])
    [folder] = tmp_path.iterdir()
    written = write_answers(folder, statistics=False)
    assert written == [folder / f"{name}.parquet" for name in ANSWERS if name not in STATISTICS]
    assert {*written, folder / "log.parquet"} == set(folder.iterdir())


@pytest.mark.parametrize("table", STATISTICS)
def test_an_empty_log_has_statistics_without_rows(answer: Callable[..., list[Row]], table: str) -> None:
    assert answer(table, []) == []


def test_a_folder_without_a_log_is_an_error_that_says_so(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"There is no .*log\.parquet"):
        write_answers(tmp_path)


def test_a_damaged_log_is_an_error_and_leaves_no_answer(tmp_path: Path) -> None:
    (tmp_path / "log.parquet").write_bytes(b"PAR1 no more than this PAR1")
    with pytest.raises(OSError, match="log"):
        write_answers(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["log.parquet"]


def test_the_columns_are_the_declared_ones_in_order(answer: Callable[..., list[Row]], tmp_path: Path) -> None:
    answer("gold.country_charts", [{}])
    [folder] = tmp_path.iterdir()
    columns = {name: pq.read_schema(folder / f"{name}.parquet").names for name in ANSWERS if name not in STATISTICS}
    counts = ["playback_count", "play_count", "skip_count"]
    clean = ["clean_playback_count", "clean_play_count", "clean_skip_count", "clean_played_ms"]
    assert columns == {
        "gold.daily_track_plays": [
            *("event_date", "country", "track_id", *counts, "listener_count", "played_ms"),
            *(*clean, "clean_listener_count"),
        ],
        "gold.daily_user_plays": ["event_date", "user_id", *counts, "track_count", "played_ms", *clean],
        "gold.country_charts": [
            *("country", "window_days", "position", "chart_date"),
            *("track_id", "artist_name", "track_title", "play_count", "played_ms"),
            *("clean_play_count", "clean_played_ms"),
        ],
        "gold.event_balance": ["client_id", "stage", *FATES, "unaccounted"],
        "bronze.dead_letters": ["reason", "count"],
        "silver.duplicates": ["count", "conflict_count"],
        "silver.merged_plays": ["event_id", "other_event_id"],
        "bronze.catalogue_rows": ["reason", "count"],
        "silver.catalogue_entries": [
            *("entity_type", "entity_id", "name_id", "artist_id", "album_id"),
            *("release_year", "genres", "row_number"),
        ],
        "silver.track_facts": ["track_id", "release_year", "genres"],
    }


def random_log(chance: random.Random) -> list[Row]:
    """Few values of each column, so that everything meets everything; the rows in no order."""
    log: list[Row] = []
    numbers = iter(chance.sample(range(1_000), 400))
    for _ in range(300):
        fault = chance.choice([None, None, None, "cut", "torn", "late"])
        log.append(
            {
                "message_number": None if chance.random() < 0.1 else next(numbers),
                "event_id": chance.choice([None, f"e{chance.randrange(60)}"]),
                "user_id": chance.choice("ab"),
                "install_id": chance.choice("wxyz"),
                "sequence": chance.randrange(150),
                "occurred_at": START + timedelta(hours=chance.randrange(800)),
                "country": chance.choice([None, "DE", "SE"]),
                "track_id": chance.choice([None, "", "uri:1", " uri:1 ", "uri:2"]),
                "artist_name": chance.choice([None, "A", "a "]),
                "track_title": chance.choice([None, "T", " t", "U"]),
                "album_title": chance.choice([None, "", "L"]),
                "content_type": chance.choice(["track", "track", "episode", "unknown"]),
                "outcome": chance.choice([None, "play", "skip"]),
                "ms_played": chance.choice([0, 29_999, 30_000, 200_000]),
                "fault": fault,
                "reason": {"cut": "truncated_avro", "torn": "trailing_bytes"}.get(fault or ""),
            }
        )
    marks = [{"message_number": next(numbers), "install_id": one, "high_water": chance.randrange(200)} for one in "wx"]
    return chance.sample(log + marks, len(log) + len(marks))


def verdicts(log: list[Row]) -> list[tuple[Row, str]]:
    """Messages in order, with what became of them; dead letters of `cut` are brought back at the end."""
    arrived = [row for row in log if row["message_number"] is not None and "high_water" not in row]
    arrived.sort(key=lambda row: row["message_number"])
    judged, known = [], set()
    for row in [*arrived, *(row | {"reason": None, "fault": None} for row in arrived if row["fault"] == "cut")]:
        if row["reason"]:
            verdict = "replayed" if row["fault"] == "cut" else "dead_letter"
        else:
            verdict = "duplicate" if row["event_id"] in known else "accepted"
            known |= {row["event_id"]} - {None}
        judged.append((row, verdict))
    return judged


def track(row: Row) -> Any:
    """What tells tracks apart in a random log, None where nothing does."""
    uri = (row["track_id"] or "").strip()
    title = (row["track_title"] or "").strip().lower()
    return uri or (title and ((row["artist_name"] or "").strip().lower(), title)) or None


def daily(log: list[Row], *grain: Callable[[Row], Any], distinct: Callable[[Row], Any]) -> Counter[Any]:
    cells = defaultdict(list)
    for row, verdict in verdicts(log):
        if verdict == "accepted" and row["content_type"] == "track" and track(row):
            cells[tuple(one(row) for one in grain)].append(row)
    return Counter(
        (
            *(key for key in cell if not isinstance(key, tuple)),
            len(rows),
            sum(row["ms_played"] >= 30_000 for row in rows),
            sum(row["outcome"] == "skip" or (not row["outcome"] and row["ms_played"] < 30_000) for row in rows),
            len({distinct(row) for row in rows}),
            sum(row["ms_played"] for row in rows),
        )
        for cell, rows in cells.items()
    )


def balance(log: list[Row]) -> set[tuple[Any, ...]]:
    """client, stage, then FATES."""
    judged, lines = verdicts(log), set()
    for client in "wxyz":
        own = [(row["sequence"], verdict) for row, verdict in judged if row["install_id"] == client]
        fates, numbers = Counter(verdict for _, verdict in own), {number for number, _ in own}
        mark = max([row["high_water"] for row in log if "high_water" in row and row["install_id"] == client], default=0)
        missing = set(range(max([mark, *(number + 1 for number in numbers)]))) - numbers
        lost = len([number for number in missing if number < mark])
        rest = (len(missing) - lost, lost)
        sent = len(own) + len(missing)
        lines.add((client, "bronze", sent, len(own), 0, 0, 0, *rest))
        lines.add((client, "silver", sent, *(fates[fate] for fate in FATES[1:5]), *rest))
    return lines


@pytest.mark.parametrize("seed", range(6))
def test_a_random_log_counts_as_plain_python_counts_it(answer: Callable[..., list[Row]], seed: int) -> None:
    log = random_log(random.Random(seed))
    rows = answer("gold.daily_track_plays", log, ("cut",))

    # named tracks are hashes here and names there: what is counted of them is compared, not what they are called
    def place(row: Row) -> Any:
        return row["occurred_at"].date()

    def country(row: Row) -> Any:
        return row["country"] or "ZZ"

    found = Counter(
        tuple(value for name, value in [*row.items()][:8] if name != "track_id" or value.startswith("uri:"))
        for row in rows
    )
    assert found == daily(log, place, country, track, distinct=lambda row: row["user_id"])
    rows = answer("gold.daily_user_plays", log, ("cut",))
    raw = Counter(tuple(row.values())[:7] for row in rows)
    assert raw == daily(log, place, lambda row: row["user_id"], distinct=track)
    rows = answer("gold.event_balance", log, ("cut",))
    assert {row["unaccounted"] for row in rows} == {0}
    assert {tuple(row.values())[:-1] for row in rows} == balance(log)
    assert answer("silver.duplicates", log, ("cut",))[0]["count"] == sum(one == "duplicate" for _, one in verdicts(log))
