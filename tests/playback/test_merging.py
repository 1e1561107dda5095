"""Which plays are one playback: by track, time and what was heard; true repeats stay."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from playback.arrow import arrow_schema
from playback.merge_rules import RULES, MergeRule
from playback.merging import COLUMNS, NEIGHBOURS, merge
from schemas.errors import ContractError
from schemas.silver import PLAYS

DAY = date(2026, 11, 19)
NOON = datetime(2026, 11, 19, 12, tzinfo=UTC)
SCHEMA = arrow_schema(field for name in COLUMNS for field in PLAYS.fields if field.name == name)
BASIC = {"source": "spotify-basic", "device_id": None, "track_id": "name:0", "ms_played": 200_000}
EXTENDED = {"source": "spotify-extended", "device_id": None}

Row = dict[str, Any]


def play(event_id: str, seconds: float = 0, **given: Any) -> Row:
    """A play by the phone that ended so many seconds after noon."""
    usual = {"user_id": "ada", "source": "app", "device_id": "phone", "ms_played": 200_000, "track_id": "uri:1"}
    names = {"artist_name": "Poolside", "track_title": "Harvest Moon"}
    return usual | names | {"event_id": event_id, "occurred_at": NOON + timedelta(seconds=seconds)} | given


def merged(*plays: Row, rules: tuple[MergeRule, ...] = RULES) -> dict[str, str]:
    """The play that is kept by the one that is merged into it."""
    found = merge(pa.Table.from_pylist(list(plays), schema=SCHEMA), DAY, rules).to_pylist()
    return {row["event_id"]: row["kept_event_id"] for row in found}


def test_an_export_to_the_minute_is_merged_into_one_to_the_second() -> None:
    plays = [play("extended", 59, **EXTENDED), play("basic", 0, **BASIC)]

    [row] = merge(pa.Table.from_pylist(plays, schema=SCHEMA), DAY).to_pylist()

    assert row == {
        "event_id": "basic",
        "event_date": DAY,
        "user_id": "ada",
        "kept_event_id": "extended",
        "reason": "other_source",
        "overlap_ms": 200_000,
        "skew_ms": 0,
        "merge_version": "m1",
    }


def test_the_play_of_another_device_is_merged_with_how_far_it_is_off() -> None:
    plays = [play("a"), play("b", 4, device_id="speaker", ms_played=199_000)]

    [row] = merge(pa.Table.from_pylist(plays, schema=SCHEMA), DAY).to_pylist()

    assert (row["event_id"], row["kept_event_id"], row["reason"]) == ("b", "a", "other_device")
    assert (row["overlap_ms"], row["skew_ms"]) == (199_000, 4_000)


@pytest.mark.parametrize(
    "other",
    [
        play("b", 1),
        play("b", 1, source="web", user_id="bob"),
        play("b", 1, source="web", track_id="uri:2", track_title="Another"),
        play("b", 11, device_id="speaker"),
        play("b", 1, device_id="speaker", ms_played=196_000),
        play("b", 1, device_id=None),
        play("b", 71, **BASIC),
        play("b", -71, **BASIC),
    ],
    ids=[
        "one device",
        "another listener",
        "another track",
        "at another time",
        "heard for less",
        "a device that is not known",
        "the minute after",
        "the minute before",
    ],
)
def test_what_need_not_be_one_playback_stays(other: Row) -> None:
    assert merged(play("a"), other) == {}


def test_names_are_compared_however_they_are_spelled() -> None:
    spelled = {"track_id": "name:0", "artist_name": " POOLSIDE", "track_title": "Harvest  \uff2doon"}
    assert merged(play("a"), play("b", source="web", **spelled)) == {"b": "a"}


def test_one_id_under_two_names_is_one_track_and_nothing_known_is_none() -> None:
    assert merged(play("a"), play("b", source="web", track_title="Harvest Moon (Live)")) == {"b": "a"}
    nameless = {"artist_name": None, "track_title": None}
    assert merged(play("a", **nameless), play("b", source="web", track_id="uri:2", **nameless)) == {}


def test_a_true_repeat_in_both_sources_is_two_playbacks() -> None:
    extended = [play(f"extended {n}", 200 * n, **EXTENDED) for n in range(3)]
    basic = [play(f"basic {n}", 200 * n // 60 * 60, **BASIC) for n in range(3)]

    assert merged(*extended, *basic) == {f"basic {n}": f"extended {n}" for n in range(3)}


def test_a_repeat_that_one_source_has_only_once_stays_and_the_nearest_is_merged() -> None:
    short = {"ms_played": 3_000}
    plays = [play("first", 0, **short), play("again", 6, **short), play("other", 5, **short, device_id="speaker")]

    assert merged(*plays) == {"other": "again"}


def test_repeats_within_a_minute_are_matched_one_by_one() -> None:
    short = {"ms_played": 3_000}
    extended = [play(f"extended {n}", 10 * n, **EXTENDED | short) for n in range(3)]
    basic = [play(f"basic {n}", 0, **BASIC | short) for n in range(4)]

    found = merged(*extended, *basic)

    assert len(found) == 3
    assert set(found.values()) == {f"extended {n}" for n in range(3)}


def test_of_three_accounts_the_one_that_says_most_stays() -> None:
    scrobble = {"source": "listenbrainz", "device_id": None, "track_ms": 200_000, "ms_played": 100_000}
    plays = [play("scrobble", 2, **scrobble), play("basic", 0, **BASIC), play("app", 3)]

    assert merged(*plays) == {"scrobble": "app", "basic": "app"}


def test_a_scrobble_is_compared_by_its_beginning_and_tells_the_least_that_was_heard() -> None:
    scrobble = {"source": "lastfm", "device_id": None, "track_id": "name:0", "track_ms": None, "ms_played": 30_000}

    assert merged(play("extended", 200, **EXTENDED), play("scrobble", 10, **scrobble)) == {"scrobble": "extended"}
    assert merged(play("left early", 20, **EXTENDED, **{"ms_played": 20_000}), play("scrobble", 0, **scrobble)) == {}


def test_a_pause_lies_between_the_beginning_and_the_end() -> None:
    scrobble = {"source": "listenbrainz", "device_id": None, "track_ms": 200_000, "ms_played": 100_000}

    assert merged(play("a", 500, paused_ms=300_000), play("b", 200, **scrobble)) == {"b": "a"}


def test_a_version_without_a_reason_takes_its_merges_back_and_those_before_its_date_stay() -> None:
    plays = [play("a"), play("b", device_id="speaker"), play("c", **BASIC)]
    only_sources = MergeRule("m2", DAY, reasons=("other_source",))

    assert merged(*plays) == {"b": "a", "c": "a"}
    assert merged(*plays, rules=(*RULES, only_sources)) == {"c": "a"}
    assert merged(*plays, rules=(*RULES, MergeRule("m2", DAY, reasons=()))) == {}
    assert merged(*plays, rules=(*RULES, MergeRule("m2", DAY + timedelta(days=1), reasons=()))) == {"b": "a", "c": "a"}
    assert merged(*plays, rules=()) == {}


def test_a_crowd_of_plays_at_one_moment_is_not_compared_without_end() -> None:
    crowd = [play(f"{n:05}", device_id=f"{n % 2}", ms_played=1) for n in range(20 * NEIGHBOURS)]

    found = merged(*crowd)

    assert len(found) <= 10 * NEIGHBOURS
    assert not set(found) & set(found.values())


DEVICES = st.sampled_from([("app", "phone"), ("app", "speaker"), ("app", None), ("spotify-basic", None)])
PLAYS_OF_A_DAY = st.lists(st.tuples(DEVICES, st.integers(0, 90), st.sampled_from(["uri:1", "uri:2"])), max_size=12)


@given(PLAYS_OF_A_DAY, st.randoms())
def test_whatever_the_order_each_is_merged_once_into_one_that_stays(
    given_plays: list[tuple[tuple[str, str | None], int, str]], chance: Any
) -> None:
    plays = [
        play(f"{n}", seconds, source=source, device_id=device, track_id=track, track_title=track)
        for n, ((source, device), seconds, track) in enumerate(given_plays)
    ]
    found = merged(*plays)
    shuffled = plays.copy()
    chance.shuffle(shuffled)
    assert merged(*shuffled) == found
    assert not set(found) & set(found.values())
    by_id = {one["event_id"]: one for one in plays}
    takers: dict[tuple[str, Any, Any], int] = {}
    for other, kept in found.items():
        taker = (kept, by_id[other]["source"], by_id[other]["device_id"])
        takers[taker] = takers.get(taker, 0) + 1
        assert by_id[other]["track_id"] == by_id[kept]["track_id"]
    assert set(takers.values()) <= {1}


@pytest.mark.parametrize(
    ("versions", "said"),
    [
        ([("m1", None)], "Version 'm1' of the merge rules has no date: "),
        (
            [("m2", DAY), ("m1", date(1970, 1, 1))],
            "Version 'm1' of the merge rules, from 1970-01-01 on, follows 'm2', ",
        ),
        ([("m1", date(1970, 1, 1)), ("m1", DAY)], "There is more than one version 'm1' of the merge rules: "),
    ],
    ids=["no date", "not in order", "one name"],
)
def test_rules_that_are_not_dated_in_order_or_named_merge_nothing(versions: list[tuple[str, Any]], said: str) -> None:
    rules = tuple(MergeRule(version, valid_from) for version, valid_from in versions)
    with pytest.raises(ContractError, match=f"^{said}"):
        merged(play("a", **EXTENDED), play("b", **BASIC), rules=rules)
