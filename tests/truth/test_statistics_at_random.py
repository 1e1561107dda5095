"""Random logs against a count of the statistics in plain Python."""

import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

Row = dict[str, Any]
Answer = Callable[..., list[Row]]
START = datetime(2025, 12, 27, tzinfo=UTC)
KINDS = ("week", "month", "quarter", "half_year", "year", "all_time")
SEEDS = range(4)


def random_log(chance: random.Random) -> list[Row]:
    """Few values of each column within two weeks around New Year, and one day of a bot; some ids come twice."""
    log = [
        {
            "event_id": f"e{chance.randrange(2_000)}",
            "user_id": chance.choice(["00", "07", "f9"]),
            "occurred_at": START + timedelta(minutes=10 * chance.randrange(14 * 144)),
            "utc_offset_minutes": chance.choice([None, 0, 345, -300, 840]),
            "country": chance.choice([None, "DE", "DE", "SE"]),
            "track_id": chance.choice([None, "uri:1", " uri:1", "uri:2", "uri:3"]),
            "artist_name": chance.choice([None, "", "A", "a ", "B"]),
            "track_title": chance.choice([None, "T", "t"]),
            "album_title": chance.choice([None, "", "L", "l", "M"]),
            "content_type": chance.choice([*["track"] * 6, "episode"]),
            "outcome": chance.choice([None, "play", "skip"]),
            "ms_played": chance.choice([0, 29_999, 30_000, 30_000, 300_000, 1_800_001, 40_000_000]),
        }
        for _ in range(500)
    ]
    bot = {"user_id": "f9", "track_id": "uri:2", "ms_played": 31_000, "country": chance.choice(["DE", "NO"])}
    first = START + timedelta(days=chance.randrange(14), hours=9)
    log += [bot | {"event_id": f"b{n}", "occurred_at": first + timedelta(minutes=n)} for n in range(200)]
    return chance.sample(log, len(log))


def plain(name: str | None) -> str:
    return (name or "").strip().lower()


def music(log: list[Row]) -> list[Row]:
    """Accepted playbacks of tracks with what they mean; identities are tuples of names, None where unknown."""
    rows, known = [], set()
    for given in log:
        row = {"artist_name": "Poolside", "track_title": "Harvest Moon", "album_title": "Pacific"} | given
        row = {"content_type": "track", "outcome": "play", "utc_offset_minutes": None} | row
        artist, album = plain(row["artist_name"]), plain(row["album_title"])
        track = plain(row["track_id"]) or (plain(row["track_title"]) and (artist, plain(row["track_title"])))
        if row["event_id"] not in known and row["content_type"] == "track" and track:
            offset = row["utc_offset_minutes"]
            local = row["occurred_at"] + timedelta(minutes=offset or 0)
            rows.append(
                row
                | {"track": track, "artist": artist or None, "album": (artist, album) if album else None}
                | {"day": row["occurred_at"].date(), "country": row["country"] or "ZZ"}
                | {"weekday": 0 if offset is None else local.isoweekday(), "hour": -1 if offset is None else local.hour}
                | {"is_play": row["ms_played"] >= 30_000}
                | {"is_skip": row["outcome"] == "skip" or (not row["outcome"] and row["ms_played"] < 30_000)}
            )
        known.add(row["event_id"])
    days = cells(rows, lambda row: [(row["user_id"], row["day"])])
    bad = {day for day, own in days.items() if is_bad(own)}
    return [row | {"is_flagged": (row["user_id"], row["day"]) in bad} for row in rows]


def is_bad(own: list[Row]) -> bool:
    heard = sum(row["ms_played"] for row in own)
    return heard > 24 * 3_600_000 or (len(own) >= 200 and heard / len(own) < 45_000)


def cells(rows: list[Row], keys: Callable[[Row], Iterable[Any]]) -> dict[Any, list[Row]]:
    found = defaultdict(list)
    for row in rows:
        for key in keys(row):
            found[key].append(row)
    return found


def sums(own: list[Row]) -> tuple[int, ...]:
    plays, skips = sum(row["is_play"] for row in own), sum(row["is_skip"] for row in own)
    return len(own), plays, skips, sum(row["ms_played"] for row in own)


def raw_and_clean(own: list[Row]) -> tuple[int, ...]:
    return *sums(own), *sums(people(own))


def people(own: list[Row]) -> list[Row]:
    return [row for row in own if not row["is_flagged"]]


def distinct(own: list[Row], name: str) -> int:
    return len({row[name] for row in own} - {None})


def periods(day: date, kinds: Iterable[str] = KINDS) -> Iterator[tuple[str, date]]:
    starts = {
        "week": next(one for one in (day - timedelta(back) for back in range(7)) if one.isoweekday() == 1),
        "month": date(day.year, day.month, 1),
        "quarter": date(day.year, {1: 1, 12: 10}[day.month], 1),
        "half_year": date(day.year, {1: 1, 12: 7}[day.month], 1),
        "year": date(day.year, 1, 1),
        "all_time": date(1970, 1, 1),
    }
    return ((kind, starts[kind]) for kind in kinds)


def counts(row: Row, *others: str) -> tuple[Any, ...]:
    names = ("playback_count", "play_count", "skip_count", "played_ms")
    return tuple(row[name] for name in (*names, *(f"clean_{name}" for name in names), *others))


@pytest.fixture(params=SEEDS)
def log(request: pytest.FixtureRequest) -> list[Row]:
    return random_log(random.Random(request.param))


def test_days_and_periods_of_listeners(answer: Answer, log: list[Row]) -> None:
    rows = music(log)
    assert 0 < len(people(rows)) < len(rows)
    found = sum(row["played_ms"] for row in answer("gold.listener_track_days", log) if row["is_flagged"])
    assert found == sum(row["ms_played"] for row in rows if row["is_flagged"])
    by_day = cells(rows, lambda row: [(row["user_id"], row["day"])])
    days = {key: (*raw_and_clean(own), distinct(own, "track")) for key, own in by_day.items()}
    daily = answer("gold.daily_user_plays", log)
    assert {(row["user_id"], row["event_date"]): counts(row, "track_count") for row in daily} == days
    names, kinds = ("track_count", "artist_count", "album_count", "day_count"), ("track", "artist", "album", "day")
    expected = {
        (own[0]["user_id"], *key[1]): (
            *raw_and_clean(own),
            *(distinct(side, one) for side in (own, people(own)) for one in kinds),
        )
        for key, own in cells(rows, lambda row: [(row["user_id"], one) for one in periods(row["day"])]).items()
    }
    assert expected == {
        (row["user_id"], row["period_kind"], row["period_start"]): counts(
            row, *names, *(f"clean_{one}" for one in names)
        )
        for row in answer("gold.listener_periods", log)
    }


def test_days_of_tracks(answer: Answer, log: list[Row]) -> None:
    by_cell = cells(music(log), lambda row: [(row["day"], row["country"], row["track"])])
    assert sorted((*key[:2], *with_listeners(own)) for key, own in by_cell.items()) == sorted(
        (row["event_date"], row["country"], *counts(row, "listener_count", "clean_listener_count"))
        for row in answer("gold.daily_track_plays", log)
    )


def test_hours_of_listeners(answer: Answer, log: list[Row]) -> None:
    def keys(row: Row) -> Iterator[Any]:
        for period in periods(row["day"], ("month", "year", "all_time")):
            yield row["user_id"], *period, row["weekday"], row["hour"]

    assert {key: raw_and_clean(own) for key, own in cells(music(log), keys).items()} == {
        (row["user_id"], row["period_kind"], row["period_start"], row["weekday"], row["hour"]): counts(row)
        for row in answer("gold.listening_hours", log)
    }


def tops(
    rows: list[Row], keys: Callable[[Row], Iterable[Any]], tail: Callable[[list[Row]], tuple[Any, ...]]
) -> list[Any]:
    """What each entity of each cell counts; which of them it is shows in its counts only: identities are hashes."""
    expected = []
    for cell, own in cells(rows, keys).items():
        for kind in ("track", "artist", "album"):
            entities = cells([row for row in own if row[kind]], lambda row, kind=kind: [row[kind]])
            expected += [(*cell, kind, *tail(one)) for one in entities.values() if sums(one)[1]]
    return sorted(expected)


def test_tops_and_discoveries_of_listeners(answer: Answer, log: list[Row]) -> None:
    rows = music(log)
    found = answer("gold.listener_tops", log)
    assert tops(rows, lambda row: [(row["user_id"], *one) for one in periods(row["day"])], raw_and_clean) == sorted(
        (row["user_id"], row["period_kind"], row["period_start"], row["entity_type"], *counts(row)) for row in found
    )
    plays = [row for row in rows if row["is_play"]]
    assert tops(plays, lambda row: [(row["user_id"],)], first_days) == sorted(
        (row["user_id"], row["entity_type"], row["first_date"], row["clean_first_date"] or date.max)
        for row in answer("gold.listener_discoveries", log)
    )


def first_days(own: list[Row]) -> tuple[date, date]:
    return min(row["day"] for row in own), min((row["day"] for row in people(own)), default=date.max)


def areas(row: Row) -> Iterator[tuple[Any, ...]]:
    for area in ("**", row["country"]):
        for period in periods(row["day"]):
            yield area, *period


def with_listeners(own: list[Row]) -> tuple[int, ...]:
    return *raw_and_clean(own), distinct(own, "user_id"), distinct(people(own), "user_id")


def test_areas(answer: Answer, log: list[Row]) -> None:
    rows, listeners = music(log), ("listener_count", "clean_listener_count")
    expected = {
        key: (*with_listeners(own), distinct(own, "track"), distinct(people(own), "track"))
        for key, own in cells(rows, areas).items()
    }
    assert expected == {
        (row["area"], row["period_kind"], row["period_start"]): counts(
            row, *listeners, "track_count", "clean_track_count"
        )
        for row in answer("gold.area_periods", log)
    }
    assert tops(rows, areas, with_listeners) == sorted(
        (row["area"], row["period_kind"], row["period_start"], row["entity_type"], *counts(row, *listeners))
        for row in answer("gold.area_tops", log)
    )


def sessions(own: list[Row]) -> Iterator[list[Row]]:
    """`own`: of one listener."""
    session: list[Row] = []
    for row in sorted(own, key=lambda row: (row["occurred_at"], row["event_id"])):
        if session:
            last, begun = session[-1]["occurred_at"], row["occurred_at"] - timedelta(milliseconds=row["ms_played"])
            if begun - last > timedelta(minutes=30) or last.month != row["occurred_at"].month:
                yield session
                session = []
        session.append(row)
    yield session


def test_sessions(answer: Answer, log: list[Row]) -> None:
    expected = [
        (
            *(first["user_id"], first["day"], first["occurred_at"]),
            first["occurred_at"] - timedelta(milliseconds=first["ms_played"]),
            *(one[-1]["occurred_at"], *sums(one), distinct(one, "track"), first["is_flagged"]),
        )
        for own in cells(music(log), lambda row: [row["user_id"]]).values()
        for one in sessions(own)
        for first in one[:1]
    ]
    rows = answer("gold.listener_sessions", log)
    names = ("event_date", "first_ended_at", "started_at", "ended_at", *list(rows[0])[6:])
    assert sorted(expected) == sorted((row["user_id"], *(row[name] for name in names)) for row in rows)
