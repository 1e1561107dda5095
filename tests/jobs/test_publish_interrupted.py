"""Publishers that die, after whom a rerun repairs what they left, and publishers that are overtaken, who lose."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from infra import failpoints
from schemas.errors import SupersededError
from schemas.gold import COUNTRY_CHARTS, DAILY_USER_PLAYS
from schemas.model import Warehouse
from tests.jobs.place import VIEW, Place, chart, died_at, plays


def test_until_the_rerun_of_a_killed_publication_the_old_generation_is_served(place: Place) -> None:
    place.publish(COUNTRY_CHARTS, place.put(COUNTRY_CHARTS, chart("x", "y")))
    version = place.put(COUNTRY_CHARTS, chart("y"))
    place.killed_at("publish.before_pointer", COUNTRY_CHARTS, version)
    assert place.served_chart() == ["x", "y"]
    assert [(one.store, one.publish_number) for one in place.publish(COUNTRY_CHARTS, version)] == [("cassandra", 3)]
    assert place.served_chart() == ["y"]


@pytest.mark.parametrize("point", ["publish.before_merge", "publish.after_merge", "publish.after_rows"])
def test_a_rerun_repairs_a_killed_publication(place: Place, point: str) -> None:
    place.publish(DAILY_USER_PLAYS, place.put(DAILY_USER_PLAYS, [plays(1, "a", 1), plays(1, "b", 2), plays(2, "a", 3)]))
    version = place.put(DAILY_USER_PLAYS, [plays(1, "a", 5), plays(1, "ghost", 1)], day=1)
    place.killed_at(point, DAILY_USER_PLAYS, version)
    place.publish(DAILY_USER_PLAYS, place.put(DAILY_USER_PLAYS, [plays(1, "a", 6)], day=1))
    assert place.served_users("a", "b", "ghost") == [(1, "a", 6), (2, "a", 3)]
    assert place.warehouse(VIEW) == [(1, "a", 6), (2, "a", 3)]
    leftovers = "SELECT table_name FROM gold.INFORMATION_SCHEMA.TABLES WHERE table_name LIKE '%staging%'"
    assert place.warehouse(leftovers) == []


def test_a_table_that_was_made_again_and_not_filled_is_filled_by_the_next_publication(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The declared version is raised, and the publisher dies before the new table has a row."""
    version = place.put(DAILY_USER_PLAYS, [plays(1, "a", 1), plays(2, "b", 3)])
    place.publish(DAILY_USER_PLAYS, version)
    raised = replace(DAILY_USER_PLAYS, warehouse=Warehouse(version=2))
    died_at(monkeypatch, "publish.after_create", lambda: place.publish(raised, version))
    done = place.publish(raised, version)
    assert [(one.store, one.rows, one.partitions) for one in done] == [("bigquery", 2, ())]
    assert place.warehouse(VIEW) == [(1, "a", 1), (2, "b", 3)]
    assert place.publish(raised, version) == []


def test_a_serving_table_that_was_lost_made_again_and_not_filled_is_filled(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = place.put(DAILY_USER_PLAYS, [plays(1, "a", 1), plays(2, "a", 3)])
    place.publish(DAILY_USER_PLAYS, version)
    place.lose_serving_table(DAILY_USER_PLAYS)
    died_at(monkeypatch, "publish.after_create", lambda: place.publish(DAILY_USER_PLAYS, version))
    place.publish(DAILY_USER_PLAYS, version)
    assert place.served_users("a") == [(1, "a", 1), (2, "a", 3)]


def overtaken_at(monkeypatch: pytest.MonkeyPatch, point: str, overtake: Callable[[], object]) -> None:
    """Make the next publication stop at that point until another one is through."""

    def reach(name: str, _place: str = "") -> None:
        if name == point:
            monkeypatch.setattr(failpoints, "reach", lambda *_: None)
            overtake()

    monkeypatch.setattr(failpoints, "reach", reach)


@pytest.mark.parametrize("point", ["publish.before_rows", "publish.before_merge"])
def test_rows_of_an_overtaken_publisher_lose_in_both_stores(
    place: Place, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    """Its changed row, its row that is no more, and its row at a date that was emptied since."""
    place.publish(DAILY_USER_PLAYS, place.put(DAILY_USER_PLAYS, [plays(1, "a", 1), plays(2, "b", 1)]))
    slow = place.put(DAILY_USER_PLAYS, [plays(1, "a", 2), plays(1, "ghost", 2), plays(2, "ghost", 2)])
    place.put(DAILY_USER_PLAYS, [plays(1, "a", 3)], day=1)
    newest = place.put(DAILY_USER_PLAYS, [], day=2)
    overtaken_at(monkeypatch, point, lambda: place.publish(DAILY_USER_PLAYS, newest))
    with pytest.raises(SupersededError):
        place.publish(DAILY_USER_PLAYS, slow)
    assert place.served_users("a", "b", "ghost") == [(1, "a", 3)]
    assert place.warehouse(VIEW) == [(1, "a", 3)]


def test_an_overtaken_publisher_cannot_move_the_pointer_back(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    slow = place.put(COUNTRY_CHARTS, chart("old"))
    newest = place.put(COUNTRY_CHARTS, chart("new"))
    overtaken_at(monkeypatch, "publish.before_pointer", lambda: place.publish(COUNTRY_CHARTS, newest))
    with pytest.raises(SupersededError):
        place.publish(COUNTRY_CHARTS, slow)
    assert place.served_chart() == ["new"]
