"""Rollbacks of publications: both stores show an earlier version until a newer one comes."""

import pytest

from jobs.publish import publish
from schemas.errors import InputError
from schemas.gold import COUNTRY_CHARTS, DAILY_TRACK_PLAYS, DAILY_USER_PLAYS
from tests.jobs.place import VIEW, Place, chart, died_at, plays


def test_a_rollback_takes_the_last_publication_back_until_a_newer_version_comes(place: Place) -> None:
    first = place.put(DAILY_USER_PLAYS, [plays(1, "a", 1), plays(1, "b", 2)])
    place.publish(DAILY_USER_PLAYS, first)
    wrong = place.put(DAILY_USER_PLAYS, [plays(1, "a", 9)])
    place.publish(DAILY_USER_PLAYS, wrong)
    assert [(one.delta_version, one.publish_number) for one in place.rollback(DAILY_USER_PLAYS)] == [(first, 3)] * 2
    assert place.publish(DAILY_USER_PLAYS, wrong) == []
    assert place.served_users("a", "b") == place.warehouse(VIEW) == [(1, "a", 1), (1, "b", 2)]
    place.publish(DAILY_USER_PLAYS, place.put(DAILY_USER_PLAYS, [plays(1, "a", 4)]))
    assert place.served_users("a", "b") == place.warehouse(VIEW) == [(1, "a", 4)]


def test_a_publication_that_a_rollback_holds_back_is_said(place: Place) -> None:
    place.publish(COUNTRY_CHARTS, place.put(COUNTRY_CHARTS, chart("x")))
    version = place.put(COUNTRY_CHARTS, chart("y"))
    place.publish(COUNTRY_CHARTS, version)
    place.rollback(COUNTRY_CHARTS)
    said: list[str] = []
    publish(place.settings, place.endpoints, place.lake, COUNTRY_CHARTS, version, lambda _, what: said.append(what))
    assert said == [f"{store} is held at an earlier version by a rollback" for store in ("bigquery", "cassandra")]


def test_a_rollback_of_a_snapshot_moves_the_pointer_and_writes_no_row(place: Place) -> None:
    place.publish(COUNTRY_CHARTS, place.put(COUNTRY_CHARTS, chart("x")))
    place.publish(COUNTRY_CHARTS, place.put(COUNTRY_CHARTS, chart("y")))
    assert [one.rows for one in place.rollback(COUNTRY_CHARTS) if one.store == "cassandra"] == [0]
    assert place.served_chart() == ["x"]


def test_a_rollback_after_the_serving_table_was_lost_writes_the_rows_again(place: Place) -> None:
    place.publish(COUNTRY_CHARTS, place.put(COUNTRY_CHARTS, chart("x")))
    version = place.put(COUNTRY_CHARTS, chart("y"))
    place.publish(COUNTRY_CHARTS, version)
    place.lose_serving_table(COUNTRY_CHARTS)
    place.publish(COUNTRY_CHARTS, version)
    place.rollback(COUNTRY_CHARTS)
    assert place.served_chart() == ["x"]


def test_a_rollback_of_a_publication_that_died_after_the_pointer_goes_one_version_back(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    for track in ("x", "y"):
        place.publish(COUNTRY_CHARTS, place.put(COUNTRY_CHARTS, chart(track)))
    version = place.put(COUNTRY_CHARTS, chart("z"))
    died_at(monkeypatch, "publish.after_pointer", lambda: place.publish(COUNTRY_CHARTS, version))
    assert place.served_chart() == ["z"]
    place.rollback(COUNTRY_CHARTS)
    assert place.served_chart() == ["y"]


def test_a_second_rollback_goes_one_version_further(place: Place) -> None:
    for track in ("x", "y", "z"):
        place.publish(COUNTRY_CHARTS, place.put(COUNTRY_CHARTS, chart(track)))
    place.rollback(COUNTRY_CHARTS)
    place.rollback(COUNTRY_CHARTS)
    assert place.served_chart() == ["x"]
    with pytest.raises(InputError, match="nothing to roll"):
        place.rollback(COUNTRY_CHARTS)


def test_a_table_that_was_never_published_cannot_be_rolled_back(place: Place) -> None:
    with pytest.raises(InputError, match="nothing to roll back"):
        place.rollback(DAILY_TRACK_PLAYS)
