"""Provider keys of an earlier secret, encrypted anew, on both stacks."""

import pytest
from sqlalchemy import Engine, select, update
from sqlalchemy.orm import Session
from structlog.testing import capture_logs

from shared import clock, db
from shared.models import ProviderKey
from shared.vault import Vault
from tests.orders import add_user
from worker import rotation
from worker.rotation import Rotation

OLD, NEW = "the secret of last year", "the secret of this year"


def add_key(engine: Engine, user: int, name: str, secret: str = OLD) -> None:
    vault = Vault([secret])
    names = {"api_name": name, "model_name": "m", "base_url": "https://provider.example/v1"}
    locked = {"encrypted_key": vault.encrypt(f"sk-{name}"), "last_four": name[-4:], "vault_version": vault.version}
    with Session(engine) as session, db.writing(session):
        session.add(ProviderKey(user_id=user, **names, **locked, updated_at=clock.now()))


def kept(engine: Engine) -> dict[str, tuple[str, str]]:
    """Each key's version, and its ciphertext."""
    columns = (ProviderKey.api_name, ProviderKey.vault_version, ProviderKey.encrypted_key)
    with engine.connect() as connection:
        return {name: (version, encrypted) for name, version, encrypted in connection.execute(select(*columns))}


def test_old_keys_become_readable_by_the_newest_secret_alone(engine: Engine) -> None:
    user, newest = add_user(engine), Vault([NEW])
    add_key(engine, user, "first")
    add_key(engine, user, "second")

    assert Rotation(engine, Vault([NEW, OLD])).advance() == 2

    assert {name: newest.decrypt(text) for name, (_, text) in kept(engine).items()} == {
        "first": "sk-first",
        "second": "sk-second",
    }
    assert {version for version, _ in kept(engine).values()} == {newest.version}


def test_keys_of_the_newest_secret_are_left_as_they_are(engine: Engine) -> None:
    add_key(engine, add_user(engine), "fresh", NEW)
    before = kept(engine)

    assert Rotation(engine, Vault([NEW, OLD])).advance() == 0

    assert kept(engine) == before


def test_a_batch_is_bounded_and_the_next_one_goes_on(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rotation, "BATCH", 2)
    user, turns = add_user(engine), Rotation(engine, Vault([NEW, OLD]))
    for name in ("a", "b", "c"):
        add_key(engine, user, name)

    assert [turns.advance() for _ in range(3)] == [2, 1, 0]


def test_keys_that_nothing_opens_hold_up_no_others(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rotation, "BATCH", 2)
    user, turns = add_user(engine), Rotation(engine, Vault([NEW, OLD]))
    for name, secret in (("a", "lost"), ("b", "lost"), ("c", OLD)):
        add_key(engine, user, name, secret)
    lost = kept(engine)["a"]

    with capture_logs() as logs:
        turned = [turns.advance() for _ in range(2)]

    assert turned == [0, 1]
    assert kept(engine)["a"] == lost
    assert [(entry["event"], entry["keys"]) for entry in logs] == [("provider_keys_unreadable", 2)]


def test_a_key_that_its_user_replaces_meanwhile_is_kept(engine: Engine) -> None:
    add_key(engine, add_user(engine), "mine")
    fresh = Vault([NEW]).encrypt("sk-replaced")

    class Meanwhile(Vault):
        def rotate(self, token: str) -> str:
            with db.write(engine) as connection:
                connection.execute(update(ProviderKey).values(encrypted_key=fresh, vault_version=self.version))
            return super().rotate(token)

    Rotation(engine, Meanwhile([NEW, OLD])).advance()

    assert kept(engine)["mine"] == (Vault([NEW]).version, fresh)
