"""What is kept encrypted, and how it outlives a change of the secret."""

import pytest

from shared.settings import Settings
from shared.vault import Undecryptable, Vault

OLD, NEW = "the secret of last year and long enough", "the secret of this year and long enough"


@pytest.mark.parametrize("text", ["sk-1234", "", "密钥 😀", "x" * 500])
def test_what_was_encrypted_is_decrypted(text: str) -> None:
    vault = Vault([NEW])

    token = vault.encrypt(text)

    assert vault.decrypt(token) == text
    assert text == "" or text not in token


def test_the_same_text_is_never_encrypted_to_the_same() -> None:
    vault = Vault([NEW])

    assert vault.encrypt("sk-1234") != vault.encrypt("sk-1234")


def test_another_secret_opens_nothing() -> None:
    token = Vault([OLD]).encrypt("sk-1234")

    with pytest.raises(Undecryptable):
        Vault([NEW]).decrypt(token)
    with pytest.raises(Undecryptable):
        Vault([NEW]).rotate(token)


@pytest.mark.parametrize("token", ["", "x", "密", "gAAAAA", "\0" * 100])
def test_what_is_no_token_is_undecryptable(token: str) -> None:
    with pytest.raises(Undecryptable):
        Vault([NEW]).decrypt(token)


def test_a_token_that_was_tampered_with_is_undecryptable() -> None:
    token = Vault([NEW]).encrypt("sk-1234")

    with pytest.raises(Undecryptable):
        Vault([NEW]).decrypt(token[:20] + ("A" if token[20] != "A" else "B") + token[21:])


def test_earlier_secrets_still_decrypt() -> None:
    token = Vault([OLD]).encrypt("sk-1234")

    assert Vault([NEW, OLD]).decrypt(token) == "sk-1234"


def test_a_rotated_token_needs_the_newest_secret_only() -> None:
    token = Vault([OLD]).encrypt("sk-1234")

    rotated = Vault([NEW, OLD]).rotate(token)

    assert Vault([NEW]).decrypt(rotated) == "sk-1234"


def test_the_version_names_the_newest_secret_without_telling_it() -> None:
    version = Vault([NEW, OLD]).version

    assert version == Vault([NEW]).version != Vault([OLD]).version
    assert len(version) == 16
    assert NEW not in version


def test_the_settings_say_which_secrets_there_are() -> None:
    token = Vault([OLD]).encrypt("sk-1234")

    vault = Vault.of(Settings(_env_file=None, secret_key=NEW, old_secret_keys=f"another, {OLD}"))

    assert vault.version == Vault([NEW]).version
    assert vault.decrypt(token) == "sk-1234"
