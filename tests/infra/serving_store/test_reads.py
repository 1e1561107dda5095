"""What a reader has to give, and what is said when it does not."""

from datetime import date

import pytest

from infra.serving_store.reads import parse_key
from schemas.errors import InputError
from schemas.gold import COUNTRY_CHARTS, DAILY_TRACK_PLAYS, DAILY_USER_PLAYS
from schemas.model import Table


def test_values_are_parsed_by_their_declared_type_in_the_order_of_the_key() -> None:
    given = {"position": "3", "window_days": "7", "country": "DE"}
    assert list(parse_key(COUNTRY_CHARTS, given).items()) == [("country", "DE"), ("window_days", 7), ("position", 3)]
    assert parse_key(DAILY_USER_PLAYS, {"user_id": "a", "event_date": "2026-01-31"})["event_date"] == date(2026, 1, 31)


@pytest.mark.parametrize(
    ("table", "given", "said"),
    [
        (COUNTRY_CHARTS, {"country": "DE"}, "needs window_days=…"),
        (COUNTRY_CHARTS, {}, "needs country=… window_days=…"),
        (COUNTRY_CHARTS, {"country": "DE", "window_days": "seven"}, "window_days is no int"),
        (COUNTRY_CHARTS, {"country": "DE", "window_days": str(2**31)}, "window_days is no int"),
        (COUNTRY_CHARTS, {"country": "DE", "window_days": "7", "track_id": "x"}, "leave out track_id"),
        (DAILY_USER_PLAYS, {"user_id": "a", "event_date": "yesterday"}, "event_date is no date"),
        (DAILY_TRACK_PLAYS, {"country": "DE"}, "is not served"),
    ],
)
def test_a_question_that_cannot_be_asked_is_answered_with_what_is_wrong(
    table: Table, given: dict[str, str], said: str
) -> None:
    with pytest.raises(InputError, match=said):
        parse_key(table, given)


def test_a_wrong_value_is_not_repeated() -> None:
    with pytest.raises(InputError) as caught:
        parse_key(DAILY_USER_PLAYS, {"user_id": "a", "event_date": "secret"})
    assert "secret" not in str(caught.value)
