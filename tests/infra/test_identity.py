"""Pseudonyms of account names, and what happens when key and table do not belong together."""

import hmac
import stat
import threading
from pathlib import Path

import pytest

from infra.identity import Identities
from schemas.errors import ConfigurationError, InputError


def key_file(home: Path) -> Path:
    return home / "secrets" / "pseudonym.key"


def test_a_pseudonym_is_the_keyed_hash_of_the_name(tmp_path: Path) -> None:
    user_id = Identities(tmp_path).pseudonym("Zoë")
    assert user_id == hmac.new(key_file(tmp_path).read_bytes(), "Zoë".encode(), "sha256").hexdigest()[:32]


def test_a_name_keeps_its_pseudonym_and_leads_back_from_it(tmp_path: Path) -> None:
    user_id = Identities(tmp_path).pseudonym("alice")
    again = Identities(tmp_path)
    assert again.pseudonym("alice") == again.find("alice") == user_id
    assert again.name_of(user_id) == "alice"


def test_two_spellings_of_one_name_in_unicode_are_one_account(tmp_path: Path) -> None:
    assert Identities(tmp_path).pseudonym("Zoe\u0308") == Identities(tmp_path).pseudonym("Zo\u00eb")


def test_two_homes_share_no_pseudonym(tmp_path: Path) -> None:
    assert Identities(tmp_path / "one").pseudonym("alice") != Identities(tmp_path / "two").pseudonym("alice")


def test_many_names_give_their_pseudonyms_in_order(tmp_path: Path) -> None:
    identities = Identities(tmp_path)
    bob = identities.pseudonym("bob")
    names = [f"listener-{number}" for number in range(1_000)] + ["bob"]
    user_ids = identities.pseudonyms(names)
    assert [identities.name_of(one) for one in (user_ids[0], user_ids[999])] == ["listener-0", "listener-999"]
    assert user_ids[1_000] == bob
    assert len(set(user_ids)) == 1_001


def test_key_and_table_are_the_owner_s_alone(tmp_path: Path) -> None:
    Identities(tmp_path).pseudonym("alice")
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (key_file(tmp_path), tmp_path / "identity.db")]
    assert modes == [0o600, 0o600]
    assert stat.S_IMODE(key_file(tmp_path).parent.stat().st_mode) == 0o700
    assert [path.name for path in key_file(tmp_path).parent.iterdir()] == ["pseudonym.key"]


def test_a_key_is_never_made_over_another(tmp_path: Path) -> None:
    identities = Identities(tmp_path)
    identities.create_key()
    key = key_file(tmp_path).read_bytes()
    identities.create_key()
    assert key_file(tmp_path).read_bytes() == key
    assert len(key) == 32


def test_first_uses_at_the_same_time_agree_on_one_key(tmp_path: Path) -> None:
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.append(Identities(tmp_path).pseudonym("a"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1


def test_a_lost_key_is_an_error_and_no_new_one_is_made(tmp_path: Path) -> None:
    Identities(tmp_path).pseudonym("alice")
    key_file(tmp_path).unlink()
    with pytest.raises(ConfigurationError, match=r"pseudonym\.key is gone while pseudonyms made with it are in use"):
        Identities(tmp_path).pseudonym("bob")
    assert not key_file(tmp_path).exists()


def test_another_key_is_an_error_and_changes_no_account(tmp_path: Path) -> None:
    user_id = Identities(tmp_path).pseudonym("alice")
    key_file(tmp_path).write_bytes(b"x" * 32)
    with pytest.raises(ConfigurationError, match="is not the one that the identity table was made with"):
        Identities(tmp_path).pseudonyms(["bob", "alice"])
    assert Identities(tmp_path).find("alice") == user_id
    with pytest.raises(InputError):
        Identities(tmp_path).find("bob")


def test_a_key_that_was_cut_short_is_an_error(tmp_path: Path) -> None:
    key_file(tmp_path).parent.mkdir()
    key_file(tmp_path).write_bytes(b"short")
    with pytest.raises(ConfigurationError, match="is no key of Tonearm"):
        Identities(tmp_path).pseudonym("alice")


@pytest.mark.parametrize("name", ["", "  "])
def test_a_blank_name_is_no_account(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="The account name is blank"):
        Identities(tmp_path).pseudonym(name)


def test_who_is_not_registered_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No account of that name is registered"):
        Identities(tmp_path).find("nobody")
    with pytest.raises(InputError, match="No account has that user_id"):
        Identities(tmp_path).name_of("0" * 32)
