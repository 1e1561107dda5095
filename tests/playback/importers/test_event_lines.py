"""The platform's own events from elsewhere as newline-JSON, literally: whose they are and which id they have."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playback.importers import event_lines
from schemas.errors import InputError
from schemas.events import CURRENT
from tests.playback.importers.own_events import LISTENER, MOMENT, PSEUDONYM, ROW, WHOLE, columns, lines, parquet


def test_a_line_says_what_it_says_and_is_named(tmp_path: Path) -> None:
    (event,), rejects = lines(tmp_path, ROW | {"shoe_size": 44})
    said = {**ROW, "event_id": event["event_id"], "user_id": WHOLE, "occurred_at": MOMENT}
    assert event == {field.name: None for field in CURRENT.fields} | said
    assert len(event["event_id"]) == 32
    assert rejects == []


@pytest.mark.parametrize(
    ("whose", "user_id"),
    [
        ({}, WHOLE),
        ({"user": None, "user_id": None}, WHOLE),
        ({"user": "", "user_id": ""}, WHOLE),
        ({"user": "anna"}, "anna".rjust(32, "f")),
        ({"user": "anna", "user_id": PSEUDONYM}, "anna".rjust(32, "f")),
        ({"user_id": PSEUDONYM}, PSEUDONYM),
        ({"user_id": "anna@example.org"}, None),
        ({"user_id": PSEUDONYM.upper()}, None),
        ({"user": "  "}, None),
        ({"user": "x" * 10_001}, None),
    ],
)
def test_a_row_belongs_to_its_account_or_its_pseudonym_or_to_the_listener_of_the_whole(
    tmp_path: Path, whose: dict[str, str | None], user_id: str | None
) -> None:
    for events, rejects in (lines(tmp_path, ROW | whose), parquet(tmp_path, columns(**whose))):
        assert [event["user_id"] for event in events] == ([user_id] if user_id else [])
        assert len(rejects) == (user_id is None)


@pytest.mark.parametrize("whose", [{"user": 5}, {"user": ["anna"]}, {"user_id": 5}, {"user_id": {}}])
def test_an_account_that_is_no_text_is_nobody_s(tmp_path: Path, whose: dict[str, object]) -> None:
    row = ROW | whose
    assert lines(tmp_path, row) == ([], [json.dumps(row).encode()])


def test_an_id_that_is_given_stays(tmp_path: Path) -> None:
    events, _ = lines(tmp_path, ROW | {"event_id": "mine"}, ROW | {"event_id": None}, ROW | {"event_id": ""}, ROW)
    ids = [event["event_id"] for event in events]
    assert ids[0] == "mine"
    assert len(set(ids)) == 2


@pytest.mark.parametrize(
    "changed",
    [
        {"source": "other"},
        {"user": "anna"},
        {"occurred_at": "2024-05-01T10:00:00.000001Z"},
        {"track_title": "Other"},
        {"artist_name": "Other"},
        {"track_id": "a:b:c"},
        {"ms_played": 1},
    ],
)
def test_whatever_differs_gives_another_id(tmp_path: Path, changed: dict[str, object]) -> None:
    events, _ = lines(tmp_path, ROW, ROW | changed)
    assert len({event["event_id"] for event in events}) == 2


@pytest.mark.parametrize(
    "line",
    [
        b"3",
        b"null",
        b"[]",
        b"{}",
        b"{broken",
        b'{"ms_played": NaN}',
        b"[" * 5_000 + b"]" * 5_000,
        json.dumps(ROW).encode().replace(b"Moon", b"\xff"),
        json.dumps(ROW | {"track_title": "\ud800"}).encode(),
        json.dumps(ROW | {"ms_played": None}).encode(),
        json.dumps(ROW | {"ms_played": 5.0}).encode(),
        json.dumps(ROW | {"ms_played": 2**63}).encode(),
        json.dumps(ROW | {"ms_played": 2**70}).encode(),
        json.dumps(ROW | {"seek_count": 2**31}).encode(),
        json.dumps(ROW | {"occurred_at": "yesterday"}).encode(),
        json.dumps(ROW | {"source": None}).encode(),
        json.dumps(ROW | {"offline": "no"}).encode(),
        json.dumps(ROW | {"event_id": 5}).encode(),
        json.dumps(ROW | {"track_title": "x" * 200_000}).encode(),
    ],
)
def test_a_line_that_is_no_event_is_kept_as_it_stood(tmp_path: Path, line: bytes) -> None:
    events, rejects = lines(tmp_path, ROW, line, ROW)
    assert len(events) == 2
    assert rejects == [line]


def test_lines_that_break_off_are_an_error(tmp_path: Path) -> None:
    path = tmp_path / "events.ndjson"
    path.write_text(json.dumps(ROW) + "\n" + json.dumps(ROW)[:-1])
    with pytest.raises(InputError, match=r"events\.ndjson breaks off in its last line"):
        list(event_lines.read(path, LISTENER))


events = st.fixed_dictionaries(
    {
        **{name: st.just(value) for name, value in ROW.items()},
        "occurred_at": st.integers(0, 2),
        "track_title": st.sampled_from(["A", "B", None]),
        "artist_name": st.sampled_from(["A", None]),
        "user": st.sampled_from(["anna", "bob", None]),
    }
)


@given(st.lists(events, max_size=8), st.lists(events, max_size=8))
def test_the_same_events_again_or_among_others_have_the_same_ids(
    earlier: list[dict[str, Any]], later: list[dict[str, Any]]
) -> None:
    with TemporaryDirectory() as folder:
        ids = [event["event_id"] for event in lines(Path(folder), *earlier)[0]]
        again = [event["event_id"] for event in lines(Path(folder), *later, *earlier)[0]]
    assert again[len(later) :] == ids
    assert len(set(ids)) == len({json.dumps(row, sort_keys=True) for row in earlier})
