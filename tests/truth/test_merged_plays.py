"""Which playbacks two accepted events tell of."""

from collections.abc import Callable
from typing import Any

Row = dict[str, Any]
Answer = Callable[..., list[Row]]

PAIR = [{"event_id": "b", "playback_id": "p"}, {"event_id": "a", "playback_id": "p"}]


def test_two_events_of_one_playback_are_one_pair(answer: Answer) -> None:
    assert answer("silver.merged_plays", [*PAIR, {}]) == [{"event_id": "a", "other_event_id": "b"}]


def test_an_event_that_came_twice_is_one_and_one_that_did_not_come_is_none(answer: Answer) -> None:
    lost = {"event_id": "c", "playback_id": "q", "message_number": None, "fault": "lost"}
    spoilt = {"event_id": "e", "playback_id": "r", "fault": "no_user", "reason": "bad_user_id"}
    others = [{"event_id": "d", "playback_id": "q"}, lost, {"event_id": "f", "playback_id": "r"}, spoilt]

    assert answer("silver.merged_plays", [*PAIR, PAIR[0], *others]) == [{"event_id": "a", "other_event_id": "b"}]
