"""The balance sheet: gold tables and stores count what silver.plays has, and leave out only what they should."""

import pytest

from jobs.balance import DAILY
from jobs.store_counts import Cells
from tests.jobs.books import DAY, LEDGER, NEXT_DAY, Books, manifest, wrong


def test_what_is_no_music_is_left_out_of_gold_on_purpose(books: Books) -> None:
    books.arrive("silver.plays", 3)
    books.put(LEDGER, 2, offset=3, manifest_id="m")
    books.put("silver.plays", 2, offset=3, manifest_id="m", content_type="episode", event_date=NEXT_DAY)
    sheet = books.sheet([manifest(5)])
    assert sheet.adds_up
    lines = {line.stage: (line.expected, line.counted, line.left_out) for line in sheet.stages}
    assert [lines[name] for name in DAILY] == [(5, 3, 2)] * 2


def test_what_another_play_tells_of_is_merged_whatever_it_is_and_a_gold_table_that_counts_it_is_wrong(
    books: Books,
) -> None:
    books.arrive("silver.plays", 3)
    books.put(LEDGER, 3, offset=3, manifest_id="m")
    again = {"again": {}, "talk again": {"content_type": "episode"}, "talk": {"content_type": "episode"}}
    for offset, (name, values) in enumerate(again.items(), 3):
        books.put("silver.plays", 1, offset, manifest_id="m", event_id=name, event_date=DAY, **values)
    for name in ("again", "talk again"):
        books.put("silver.merged_plays", 1, event_id=name, event_date=DAY)
    sheet = books.sheet([manifest(6)])
    assert sheet.adds_up
    lines = {line.stage: (line.expected, line.counted, line.left_out, line.merged) for line in sheet.stages}
    assert [lines[name] for name in DAILY] == [(6, 3, 1, 2)] * 2
    books.put(DAILY[0], 1, event_date=DAY, playback_count=1)
    assert wrong(books.sheet([manifest(6)])) == [DAILY[0]]


@pytest.mark.parametrize("name", DAILY)
def test_a_gold_table_that_counts_another_number_does_not_add_up(books: Books, name: str) -> None:
    books.arrive("silver.plays", 3)
    books.put(name, 1, event_date=DAY, playback_count=1)
    assert wrong(books.sheet([manifest(3)])) == [name]


@pytest.mark.parametrize("name", DAILY)
def test_one_lost_on_a_day_and_one_doubled_on_another_do_not_cancel_out(books: Books, name: str) -> None:
    books.arrive("silver.plays", 3)
    books.arrive("silver.plays", 3, event_date=NEXT_DAY)
    for day, count in ((DAY, -1), (NEXT_DAY, 1)):
        books.put(name, 1, event_date=day, playback_count=count)
    sheet = books.sheet([manifest(6)])
    assert wrong(sheet) == [name]
    (line,) = [line for line in sheet.stages if line.stage == name]
    assert (line.expected, line.counted, line.wrong) == (6, 6, 2)


@pytest.mark.parametrize("column", ["play_count", "skip_count", "played_ms"])
def test_every_sum_of_a_day_is_compared(books: Books, column: str) -> None:
    books.arrive("silver.plays", 3)
    books.put("gold.daily_user_plays", 1, event_date=DAY, **{column: 1})
    assert wrong(books.sheet([manifest(3)])) == ["gold.daily_user_plays"]


@pytest.mark.parametrize(
    "cells", [{"2026-11-20": (2, 0, 0, 0, 1)}, {"2026-11-21": (3, 0, 0, 0, 1)}, {"2026-11-20": (3, 0, 0, 0, 2)}, {}]
)
def test_a_store_that_holds_something_else_does_not_add_up(books: Books, cells: Cells) -> None:
    books.arrive("silver.plays", 3)
    books.put("gold.country_charts", 2)
    stores: dict[tuple[str, str], Cells] = {
        ("here", "gold.daily_user_plays"): {"2026-11-20": (3, 0, 0, 0, 1)},
        ("here", "gold.country_charts"): {"": (2,)},
        ("here", "gold.event_balance"): {"": (6, 2)},
    }
    assert books.sheet([manifest(3)], stores=stores).adds_up
    sheet = books.sheet([manifest(3)], stores=stores | {("there", "gold.daily_user_plays"): cells})
    assert wrong(sheet) == ["there gold.daily_user_plays, playbacks"]
    assert sheet.as_dict()["adds_up"] is False
    for name, counted in (("gold.country_charts", (1,)), ("gold.event_balance", (7, 2))):
        (said,) = wrong(books.sheet([manifest(3)], stores={("there", name): {"": counted}}))
        assert said.startswith(f"there {name}, ")
