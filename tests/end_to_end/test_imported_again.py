"""An export that is imported again, or has grown, changes nothing but what is new in it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from schemas.silver import PLAYS
from tests.end_to_end.recount import Recount, recount


@dataclass(frozen=True)
class Seen:
    """A run and what was there after it."""

    run: Any
    digests: dict[str, str]
    versions: dict[str, int | None]
    served: dict[str, Any]
    duplicates: int


@pytest.fixture(scope="module")
def made(deployment: Callable[..., Any]) -> Any:
    """A deployment of its own."""
    return deployment()


@pytest.fixture(scope="module")
def seen(made: Any, export: Path, longer_export: Path) -> list[Seen]:
    """What is there after the export, after the same export again, and after the longer one."""

    def after(folder: Path) -> Seen:
        made.send(folder)
        run = made.run()
        duplicates = len(made.rows("silver.duplicates"))
        return Seen(run, made.digests(), made.versions(), made.served(), duplicates)

    return [after(export), after(export), after(longer_export)]


@pytest.fixture(scope="module")
def expected(export: Path, longer_export: Path, now: datetime) -> tuple[Recount, Recount]:
    return recount(export, now), recount(longer_export, now)


MUSIC = ("silver.plays", "silver.tracks", "gold.daily_track_plays", "gold.daily_user_plays", "gold.country_charts")


def test_the_same_export_again_changes_no_row_and_commits_none(made: Any, seen: list[Seen]) -> None:
    """That its records were read is all that silver.plays is told."""
    first, again, _ = seen
    assert {name: again.digests[name] for name in MUSIC} == {name: first.digests[name] for name in MUSIC}
    assert {name: again.versions[name] for name in MUSIC[1:]} == {name: first.versions[name] for name in MUSIC[1:]}
    assert made.lake.same_rows(PLAYS, first.versions["silver.plays"], again.versions["silver.plays"])
    assert again.served == first.served
    assert {one.table for one in again.run.published} == {"gold.event_balance"}


def test_every_playback_of_the_second_import_is_a_duplicate_and_the_sheet_adds_up(
    seen: list[Seen], expected: tuple[Recount, Recount]
) -> None:
    _, again, _ = seen
    small, _ = expected
    sheet = again.run.sheet
    assert sheet.adds_up
    assert sheet.total("accepted") == sheet.total("duplicate") == again.duplicates == len(small.heard)
    # A row that is no event has no identity: imported twice it is two dead letters.
    assert sheet.total("dead_letter") == 2 * small.unreadable
    assert sheet.total("sent") == 2 * (len(small.heard) + small.unreadable)


def test_a_longer_export_adds_only_what_is_new(seen: list[Seen], made: Any, expected: tuple[Recount, Recount]) -> None:
    _, again, longer = seen
    small, whole = expected
    days = {row["event_date"]: row["playback_count"] for row in longer.served["days"]}
    assert days == {day: counts[0] for day, counts in whole.by_day().items()}
    sheet = longer.run.sheet
    assert sheet.adds_up
    assert sheet.total("accepted") == len(whole.heard)
    assert longer.duplicates - again.duplicates == len(small.heard) + whole.repeated
    assert len(made.rows("silver.plays")) == len({row["event_id"] for row in made.rows("silver.plays")})


def test_only_the_days_that_have_something_new_are_published(seen: list[Seen]) -> None:
    published = {one.table: one for one in seen[2].run.published if one.store == "bigquery"}
    new_days = {date(2022, 2, day) for day in (10, 11, 12, 13, 14, 15, 16, 20)}
    assert set(published["gold.daily_user_plays"].partitions) == new_days
    assert set(published["gold.daily_track_plays"].partitions) == new_days
