"""Which track a playback is of, by which artist and on which album."""

import hashlib

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from playback.identity import album_ids, artist_ids, normalised, resolve_track_id


def resolved(*rows: tuple[str | None, str | None, str | None]) -> list[str | None]:
    columns = [pa.array(column, pa.string()) for column in zip(*rows, strict=True)]
    found: list[str | None] = resolve_track_id(*columns).to_pylist()
    return found


def hashed(text: str, kind: str = "name") -> str:
    return f"{kind}:{hashlib.blake2b(text.encode(), digest_size=16).hexdigest()}"


def artists(*names: str | None) -> list[str]:
    found: list[str] = artist_ids(pa.array(names, pa.string())).to_pylist()
    return found


def albums(*rows: tuple[str | None, str | None]) -> list[str]:
    columns = [pa.array(column, pa.string()) for column in zip(*rows, strict=True)]
    found: list[str] = album_ids(*columns).to_pylist()
    return found


def test_an_id_wins_over_names_and_is_trimmed() -> None:
    assert resolved((" spotify:track:1\t", "Ana", "Blue"), ("x", None, None)) == ["spotify:track:1", "x"]


def test_without_an_id_artist_and_title_are_hashed() -> None:
    expected = hashed("ana\x1fblue")
    assert resolved((None, "Ana", "Blue"), ("  ", "ANA", " blue ")) == [expected, expected]


def test_the_hash_is_what_is_stored() -> None:
    assert resolved((None, "Ana", "Blue")) == ["name:deeca0572836cb56ccd786e1d985907e"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Björk", "Bjo\u0308rk"),
        ("STRASSE", "straße"),
        ("\uff46\uff55\uff4c\uff4c", "full"),
        ("a \t b", "a\u3000b"),
        ("\ufb01ne", "FINE"),
    ],
)
def test_spellings_that_differ_in_form_case_or_space_are_one_name(one: str, other: str) -> None:
    assert len(set(resolved((None, one, "x"), (None, other, "x")))) == 1
    assert len(set(resolved((None, "x", one), (None, "x", other)))) == 1
    assert len(set(artists(one, other))) == 1
    assert len(set(albums((one, "x"), (other, "x")))) == len(set(albums(("x", one), ("x", other)))) == 1


def test_artist_and_title_do_not_run_together() -> None:
    assert len(set(resolved((None, "a b", "c"), (None, "a", "b c"), (None, "a\x1fb", "c"), (None, "a", "b\x1fc")))) == 2


def test_a_title_without_artist_is_a_track_and_an_artist_without_title_is_none() -> None:
    assert resolved((None, None, "Blue"), (None, "Ana", None), (None, "Ana", " \n"), ("", None, None)) == [
        hashed("\x1fblue"),
        None,
        None,
        None,
    ]


names = st.none() | st.sampled_from(["a", "A", " a", "b", "ß", "ss", ""]) | st.text(max_size=5)


@given(st.lists(st.tuples(names, names, names), min_size=1, max_size=20))
def test_a_batch_gives_each_row_what_it_gets_alone(rows: list[tuple[str | None, str | None, str | None]]) -> None:
    assert resolved(*rows) == [resolved(row)[0] for row in rows]


def test_an_artist_is_the_hash_of_the_name() -> None:
    assert artists("Ana", " ANA\t", "Ana B") == [hashed("ana", "artist")] * 2 + [hashed("ana b", "artist")]


def test_an_album_is_the_hash_of_artist_and_title() -> None:
    blue = hashed("ana\x1fblue", "album")
    assert albums(("Ana", "Blue"), ("ANA", " blue "), ("Ben", "Blue")) == [blue, blue, hashed("ben\x1fblue", "album")]


def test_the_hashes_of_artist_and_album_are_what_is_stored() -> None:
    assert artists("Ana") == ["artist:a07ce676b7999dee5c556523af5f9dca"]
    assert albums(("Ana", "Blue")) == ["album:deeca0572836cb56ccd786e1d985907e"]


@pytest.mark.parametrize("blank", [None, "", " \n", "\x1f", "\u3000"])
def test_no_name_is_no_artist_and_no_album(blank: str | None) -> None:
    assert artists(blank) == [""]
    assert albums(("Ana", blank), (blank, blank)) == ["", ""]


def test_an_album_without_artist_is_an_album() -> None:
    assert albums((None, "Blue"), ("", "Blue"), (" ", "blue")) == [hashed("\x1fblue", "album")] * 3


def test_artist_and_album_do_not_run_together() -> None:
    assert len(set(albums(("a b", "c"), ("a", "b c"), ("a\x1fb", "c"), ("a", "b\x1fc")))) == 2


def test_an_artist_a_track_and_an_album_of_one_name_are_three() -> None:
    assert len({*artists("x"), *albums(("", "x")), *resolved((None, "", "x"))}) == 3


def test_no_rows_give_no_identities() -> None:
    none = pa.array([], pa.string())

    assert artist_ids(none).to_pylist() == album_ids(none, none).to_pylist() == []


@given(st.text())
def test_a_normalised_name_is_normalised(text: str) -> None:
    assert normalised(normalised(text)) == normalised(text)
