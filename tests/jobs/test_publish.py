"""Publications of small Delta tables to a real Cassandra and to the BigQuery stand-in."""

from datetime import date

import pytest

from infra.local.stack import Endpoints
from jobs.publish import publish
from schemas.errors import InputError, MissingInputError, StoreUnavailableError, SupersededError
from schemas.gold import COUNTRY_CHARTS, DAILY_USER_PLAYS
from schemas.silver import PLAYS
from tests.jobs.place import VIEW, Place, chart, plays


def test_a_first_publication_sends_the_whole_table_to_both_stores(place: Place) -> None:
    version = place.put(DAILY_USER_PLAYS, [plays(1, "a", 1), plays(1, "b", 2), plays(2, "a", 3)])
    done = place.publish(DAILY_USER_PLAYS, version)
    assert [(one.store, one.publish_number, one.delta_version, one.rows, one.deleted) for one in done] == [
        ("bigquery", 1, version, 3, 0),
        ("cassandra", 1, version, 3, 0),
    ]
    assert place.served_users("a", "b") == [(1, "a", 1), (1, "b", 2), (2, "a", 3)]
    assert place.warehouse(VIEW) == [(1, "a", 1), (1, "b", 2), (2, "a", 3)]


def test_publishing_again_what_is_published_does_nothing(place: Place) -> None:
    version = place.put(DAILY_USER_PLAYS, [plays(1, "a", 1)])
    place.publish(DAILY_USER_PLAYS, version)
    assert place.publish(DAILY_USER_PLAYS, version) == []


def test_a_restated_date_changes_and_its_vanished_rows_are_deleted(place: Place) -> None:
    place.publish(DAILY_USER_PLAYS, place.put(DAILY_USER_PLAYS, [plays(1, "a", 1), plays(1, "b", 2), plays(2, "a", 3)]))
    done = place.publish(DAILY_USER_PLAYS, place.put(DAILY_USER_PLAYS, [plays(1, "a", 5)], day=1))
    assert [(one.rows, one.deleted, one.partitions) for one in done] == [(1, 1, (date(2026, 1, 1),))] * 2
    assert place.served_users("a", "b") == [(1, "a", 5), (2, "a", 3)]
    assert place.warehouse(VIEW) == [(1, "a", 5), (2, "a", 3)]


def test_a_date_that_is_emptied_is_emptied_in_both_stores(place: Place) -> None:
    place.publish(DAILY_USER_PLAYS, place.put(DAILY_USER_PLAYS, [plays(1, "a", 1), plays(2, "a", 3)]))
    place.publish(DAILY_USER_PLAYS, place.put(DAILY_USER_PLAYS, [], day=1))
    assert place.served_users("a") == [(2, "a", 3)]
    assert place.warehouse(VIEW) == [(2, "a", 3)]


def test_only_dates_touched_since_the_last_completed_publication_are_sent(place: Place) -> None:
    place.publish(DAILY_USER_PLAYS, place.put(DAILY_USER_PLAYS, [plays(day, "a", 1) for day in (1, 2, 3)]))
    place.put(DAILY_USER_PLAYS, [plays(2, "a", 2)], day=2)
    done = place.publish(DAILY_USER_PLAYS, place.put(DAILY_USER_PLAYS, [plays(3, "a", 3)], day=3))
    assert {one.partitions for one in done} == {(date(2026, 1, 2), date(2026, 1, 3))}
    assert place.served_users("a") == [(1, "a", 1), (2, "a", 2), (3, "a", 3)]


def test_an_older_version_is_refused(place: Place) -> None:
    older = place.put(DAILY_USER_PLAYS, [plays(1, "a", 1)])
    place.publish(DAILY_USER_PLAYS, place.put(DAILY_USER_PLAYS, [plays(1, "a", 2)]))
    with pytest.raises(SupersededError, match="newer than version"):
        place.publish(DAILY_USER_PLAYS, older)
    assert place.served_users("a") == [(1, "a", 2)]


def test_a_generation_replaces_the_one_before(place: Place) -> None:
    place.publish(COUNTRY_CHARTS, place.put(COUNTRY_CHARTS, chart("x", "y", "z")))
    place.publish(COUNTRY_CHARTS, place.put(COUNTRY_CHARTS, chart("y", "x")))
    assert place.served_chart() == ["y", "x"]
    assert place.warehouse("SELECT track_id FROM gold.country_charts ORDER BY position") == [("y",), ("x",)]


def test_a_table_without_a_store_is_refused(place: Place) -> None:
    with pytest.raises(InputError, match="published nowhere"):
        place.publish(PLAYS, 1)


def test_a_table_that_was_not_published_is_not_served(place: Place) -> None:
    with pytest.raises(MissingInputError, match="tonearm run"):
        place.served_chart()


def test_a_store_that_does_not_answer_is_worth_a_retry(place: Place) -> None:
    nowhere = Endpoints(cassandra_hosts=("127.0.0.1",), cassandra_port=1, bigquery_url="http://127.0.0.1:1")
    with pytest.raises(StoreUnavailableError, match="Cassandra does not answer"):
        publish(place.settings, nowhere, place.lake, COUNTRY_CHARTS, 1)
