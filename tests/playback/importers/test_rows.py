"""Identity of playbacks, and the bytes of rows that are no event."""

import json
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playback.importers import json_lists, spotify_basic
from playback.importers.json_lists import row_spans
from playback.importers.rows import Listener, Playback, event_id

USER = "0" * 32
LISTENER = Listener(USER, list)
basic_rows = st.fixed_dictionaries(
    {
        "endTime": st.sampled_from(["2023-01-01 10:00", "2023-01-01 10:01"]),
        "artistName": st.text(st.characters(exclude_categories=["Cs"]), max_size=3),
        "trackName": st.text(st.characters(exclude_categories=["Cs"]), max_size=3),
        "msPlayed": st.integers(0, 3),
    }
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text('ab"\\{[,', max_size=3), inner, max_size=4),
)


def ids_of(listed: list[dict[str, object]], user_id: str = USER) -> list[str]:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "StreamingHistory0.json"
        path.write_text(json.dumps(listed), encoding="utf-8")
        return [
            one
            for batch in spotify_basic.read(path, Listener(user_id, list))
            for one in batch.events["event_id"].to_pylist()
        ]


@given(st.lists(basic_rows, max_size=12))
def test_every_row_of_a_file_has_an_id_of_its_own(listed: list[dict[str, object]]) -> None:
    assert len(set(ids_of(listed))) == len(listed)


@given(st.lists(basic_rows, max_size=12), st.randoms())
def test_the_order_of_rows_changes_no_id(listed: list[dict[str, object]], random: object) -> None:
    shuffled = sorted(listed, key=lambda _: random.random())  # type: ignore[attr-defined]
    assert set(ids_of(shuffled)) == set(ids_of(listed))


@given(st.lists(basic_rows, max_size=8), st.lists(basic_rows, max_size=8))
def test_an_overlapping_export_has_the_ids_of_what_it_shares(
    earlier: list[dict[str, object]], later: list[dict[str, object]]
) -> None:
    assert set(ids_of(earlier)) <= set(ids_of(earlier + later))


def test_an_id_is_the_same_for_ever() -> None:
    assert event_id("spotify-basic", USER, Playback("2023-01-01 10:00", ["A", "B"], 5, {}), 0) == (
        "15e443a552e1767d9bdf82cacf29ffae"
    )


@pytest.mark.parametrize(
    ("family", "user", "playback", "ordinal"),
    [
        ("other", USER, Playback("t", ["a", "b"], 1, {}), 0),
        ("basic", "1" * 32, Playback("t", ["a", "b"], 1, {}), 0),
        ("basic", USER, Playback("u", ["a", "b"], 1, {}), 0),
        ("basic", USER, Playback("t", ["ab", ""], 1, {}), 0),
        ("basic", USER, Playback("t", ["a", None], 1, {}), 0),
        ("basic", USER, Playback("t", '["a","b"]', 1, {}), 0),
        ("basic", USER, Playback("t", ["a", "b"], 10, {}), 0),
        ("basic", USER, Playback("t", ["a", "b"], 1, {}), 1),
    ],
)
def test_whatever_differs_gives_another_id(family: str, user: str, playback: Playback, ordinal: int) -> None:
    same = event_id("basic", USER, Playback("t", ["a", "b"], 1, {}), 0)
    assert event_id(family, user, playback, ordinal) != same


@given(st.lists(json_values, max_size=6), st.sampled_from([None, 1]))
def test_the_bytes_of_each_element_are_found_in_the_file(values: list[object], indent: int | None) -> None:
    raw = json.dumps(values, indent=indent).encode()
    pieces = [json.loads(raw[start:end]) for start, end in row_spans(raw)] if values else []
    assert pieces == values


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(json_lists, "BATCH_ROWS", 2)
    yield


@pytest.mark.usefixtures("small_batches")
def test_batches_are_cut_without_losing_rows_or_ordinals(tmp_path: Path) -> None:
    row = {"endTime": "2023-01-01 10:00", "artistName": "A", "trackName": "B", "msPlayed": 5}
    path = tmp_path / "StreamingHistory0.json"
    path.write_text(json.dumps([row, 1, row, row, 2]), encoding="utf-8")
    batches = list(spotify_basic.read(path, LISTENER))
    assert [batch.events.num_rows for batch in batches] == [1, 2, 0]
    assert [batch.rejects for batch in batches] == [[b"1"], [], [b"2"]]
    assert len({one for batch in batches for one in batch.events["event_id"].to_pylist()}) == 3
