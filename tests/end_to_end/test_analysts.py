"""The statements of the page for analysts, on a simulated history: each shows something, and agrees with the lake."""

import re
from collections import Counter, defaultdict
from collections.abc import Callable
from typing import Any

import pytest

from infra.settings import REPOSITORY
from infra.warehouse.queries import Answer, ask
from tests.end_to_end.conftest import Deployment
from tonearm.simulation import simulate, simulation_of

PAGE = (REPOSITORY / "docs" / "analysts.md").read_text()
QUESTIONS = {
    f"{heading}{' again' * number}": statement
    for heading, text in re.findall(r"^### (.+?)\n(.*?)(?=^##|\Z)", PAGE, re.MULTILINE | re.DOTALL)
    for number, statement in enumerate(re.findall(r"^```sql\n(.*?)^```$", text, re.MULTILINE | re.DOTALL))
}


@pytest.fixture(scope="module")
def played(deployment: Callable[..., Deployment]) -> Deployment:
    """A deployment that has processed three weeks, and so few listeners that every question has an answer soon."""
    made = deployment(statistics=True)
    history = simulation_of(made.settings.home, events=8_000, days=21, listeners=40, seed=3)
    assert simulate(made.settings, made.endpoints.kafka_bootstrap, history) is not None
    assert made.run().sheet.adds_up
    return made


@pytest.fixture(scope="module")
def listener(played: Deployment) -> str:
    """The listener with the most plays."""
    plays: Counter[str] = Counter()
    for row in music(played):
        plays[row["user_id"]] += row["counts_as_play"]
    return plays.most_common(1)[0][0]


def music(played: Deployment) -> list[dict[str, Any]]:
    return [row for row in played.rows("silver.plays") if row["content_type"] == "track"]


def asked(played: Deployment, question: str, listener: str) -> Answer:
    statement = re.sub(
        r"\b(FROM|JOIN) gold\.", rf"\1 {played.settings.bigquery_dataset_prefix}gold.", QUESTIONS[question]
    )
    return ask(played.settings, played.endpoints, statement, listener)


def rows(answer: Answer) -> list[dict[str, Any]]:
    return [dict(zip(answer.columns, row, strict=True)) for row in answer.rows]


def test_there_are_twelve_questions_and_all_sql_is_below_one() -> None:
    assert len([one for one in QUESTIONS if not one.endswith("again")]) == 12
    assert len(QUESTIONS) == PAGE.count("```sql")


@pytest.mark.parametrize("question", QUESTIONS)
def test_every_question_of_the_page_has_an_answer(played: Deployment, listener: str, question: str) -> None:
    assert asked(played, question, listener).rows


def test_listeners_of_a_month_are_those_of_the_lake(played: Deployment, listener: str) -> None:
    expected = defaultdict(set)
    for row in music(played):
        for area in ("**", row["country"]):
            expected[row["event_date"].replace(day=1), area].add(row["user_id"])
    [question] = [one for one in QUESTIONS if one.startswith("7. ")]
    found = {(row["month"], row["area"]): row["listener_count"] for row in rows(asked(played, question, listener))}
    assert found == {key: len(users) for key, users in expected.items()}


def test_sessions_and_hours_hold_every_clean_play_of_the_lake(played: Deployment, listener: str) -> None:
    [sessions, hours] = [one for one in QUESTIONS if one.startswith(("5. ", "3. "))][::-1]
    in_lake = [row for row in played.rows("gold.listener_sessions") if not row["is_flagged"]]
    assert sum(row["sessions"] for row in rows(asked(played, sessions, listener))) == len(in_lake)
    known = [row for row in played.rows("gold.listener_track_days") if row["local_hour"] >= 0 and not row["is_flagged"]]
    plays = sum(row["play_count"] for row in known)
    assert sum(row["plays"] for row in rows(asked(played, hours, listener))) == plays > 1_000


def test_the_artists_of_all_time_are_the_listeners_most_played(played: Deployment, listener: str) -> None:
    plays: Counter[str] = Counter()
    for row in music(played):
        if row["user_id"] == listener and row["artist_name"]:
            plays[row["artist_name"].strip().casefold()] += row["counts_as_play"]
    [question] = [one for one in QUESTIONS if one.startswith("1. ") and one.endswith("again")]
    found = rows(asked(played, question, listener))
    assert [row["play_count"] for row in found] == [count for _, count in plays.most_common(10)]
    assert {row["entity_name"].strip().casefold(): row["play_count"] for row in found}.items() <= plays.items()


def test_decades_hold_every_play_of_the_lake(played: Deployment, listener: str) -> None:
    [question] = [one for one in QUESTIONS if one.startswith("12. ") and not one.endswith("again")]
    found = [row for row in rows(asked(played, question, listener)) if row["area"] == "**"]
    assert sum(row["plays"] for row in found) == sum(row["counts_as_play"] for row in music(played))
    assert len(found) > 4
