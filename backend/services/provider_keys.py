"""Users' own keys for providers. They are kept encrypted, decrypted only for a call, and never told again."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import urlsplit

from sqlalchemy import ColumnElement, delete, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from shared.addresses import FetchRefused, addresses_of
from shared.clock import now
from shared.db import writing
from shared.errors import ApiKeysFull, ApiNameTaken, AppError, Invalid, NotFound, ProviderFailed
from shared.models import ProviderKey, User
from shared.providers import Provider
from shared.room import Room
from shared.settings import Settings
from shared.vault import Undecryptable, Vault
from shared.wire import Target

MOST_KEYS = 100  # of one user
RESOLVE_SECONDS = 5.0

T = TypeVar("T")


@dataclass(frozen=True)
class KnownKey:
    """What may be told of a key."""

    id: int
    api_name: str
    model_name: str
    base_url: str
    key_last_four: str
    created_at: datetime
    updated_at: datetime


class ProviderKeys:
    """The keys of all users; each method takes whose they are, and another's key is NotFound.

    `room` is how many calls to providers this process makes at the same time.
    """

    def __init__(self, session: Session, vault: Vault, settings: Settings, room: Room) -> None:
        self._session = session
        self._vault = vault
        self._settings = settings
        self._room = room

    def create(self, user_id: int, api_name: str, api_key: str, model_name: str, base_url: str) -> KnownKey:
        """Raises Invalid for `base_url`, ApiNameTaken, ApiKeysFull, Unavailable."""
        self._refuse_unreachable(base_url)
        names = {"api_name": api_name, "model_name": model_name, "base_url": base_url}
        row = ProviderKey(user_id=user_id, **names, **self._locked(api_key), updated_at=now())
        try:
            with writing(self._session):
                self._session.execute(select(User.id).where(User.id == user_id).with_for_update())
                self._refuse_more(user_id)
                self._session.add(row)
                self._session.flush()
                return _known(row)
        except IntegrityError as error:
            raise self._taken(user_id, api_name) from error

    def all(self, user_id: int) -> Sequence[KnownKey]:
        """The first one first."""
        mine = select(ProviderKey).where(ProviderKey.user_id == user_id).order_by(ProviderKey.id).limit(MOST_KEYS)
        return [_known(row) for row in self._session.scalars(mine)]

    def find(self, user_id: int, id: int) -> KnownKey:
        """Raises NotFound."""
        return self._one(*_mine(user_id, id))

    def by_name(self, user_id: int, api_name: str) -> KnownKey:
        """Raises NotFound."""
        found = self._one(ProviderKey.user_id == user_id, ProviderKey.api_name == api_name)
        if found.api_name != api_name:  # to MySQL and MariaDB a text is the same with spaces at its end
            raise NotFound("provider key")
        return found

    def default(self, user_id: int) -> KnownKey:
        """The first one. Raises NotFound where there is none."""
        return self._one(ProviderKey.user_id == user_id)

    def update(self, user_id: int, id: int, changes: Mapping[str, str]) -> KnownKey:
        """`changes` are some of create's arguments; a kept key goes to no other machine than it was meant for.

        Raises Invalid, NotFound, ApiNameTaken, Unavailable.
        """
        if not changes:
            raise Invalid.of("body", "nothing_to_change")
        known = self.find(user_id, id)
        if "base_url" in changes:
            self._refuse_unreachable(changes["base_url"])
            _refuse_elsewhere(known.base_url, changes)
        locked = self._locked(changes["api_key"]) if "api_key" in changes else {}
        values = {name: value for name, value in changes.items() if name != "api_key"} | locked
        mine = _mine(user_id, id)
        try:
            with writing(self._session):
                self._session.execute(update(ProviderKey).where(*mine).values(**values, updated_at=now()))
                return self._one(*mine)
        except IntegrityError as error:
            raise self._taken(user_id, changes["api_name"]) from error

    def delete(self, user_id: int, id: int) -> None:
        """Raises NotFound."""
        mine = _mine(user_id, id)
        with writing(self._session):
            if self._session.execute(delete(ProviderKey).where(*mine)).rowcount != 1:  # type: ignore[attr-defined]
                raise NotFound("provider key")

    def test(self, user_id: int, id: int) -> None:
        """Whether the provider answers and takes the key. Raises NotFound, ProviderFailed, Unavailable."""
        self.ask(user_id, id, lambda provider: provider.test())

    def ask(self, user_id: int, id: int, call: Callable[[Provider], T]) -> T:
        """What the key's provider answers; meanwhile no database connection is held.

        Raises NotFound, ProviderFailed, or Unavailable while too many others ask theirs.
        """
        columns = (ProviderKey.base_url, ProviderKey.encrypted_key, ProviderKey.model_name)
        mine = select(*columns).where(*_mine(user_id, id))
        found = self._session.execute(mine).one_or_none()
        self._session.rollback()
        if found is None:
            raise NotFound("provider key")
        provider = Provider.of(found.base_url, self._opened(found.encrypted_key), found.model_name, self._settings)
        with self._room.place():
            return call(provider)

    def _one(self, *conditions: ColumnElement[bool]) -> KnownKey:
        first = select(ProviderKey).where(*conditions).order_by(ProviderKey.id).limit(1)
        row = self._session.scalar(first.execution_options(populate_existing=True))
        if row is None:
            raise NotFound("provider key")
        return _known(row)

    def _locked(self, api_key: str) -> dict[str, Any]:
        encrypted = self._vault.encrypt(api_key)
        return {"encrypted_key": encrypted, "last_four": api_key[-4:], "vault_version": self._vault.version}

    def _opened(self, encrypted_key: str) -> str:
        try:
            return self._vault.decrypt(encrypted_key)
        except Undecryptable:
            raise ProviderFailed("provider_key_unreadable") from None

    def _refuse_more(self, user_id: int) -> None:
        mine = select(func.count()).select_from(ProviderKey).where(ProviderKey.user_id == user_id)
        if self._session.scalars(mine).one() >= MOST_KEYS:
            raise ApiKeysFull

    def _taken(self, user_id: int, api_name: str) -> AppError:
        """What a violated constraint meant: the name, or a user who has just gone."""
        named = select(ProviderKey.id).where(ProviderKey.user_id == user_id, ProviderKey.api_name == api_name)
        return ApiNameTaken() if self._session.scalar(named) is not None else AppError()

    def _refuse_unreachable(self, base_url: str) -> None:
        """What is refused now need not wait for its first use; each use looks again. Raises Invalid, Unavailable."""
        self._session.rollback()  # the connection goes back before a resolver far away is waited for
        with self._room.place():
            _refuse(base_url, self._settings)


def _mine(user_id: int, id: int) -> tuple[ColumnElement[bool], ...]:
    """Raises NotFound for a number that no key can have."""
    if id >= 2**63:
        raise NotFound("provider key")
    return ProviderKey.user_id == user_id, ProviderKey.id == id


def _refuse(base_url: str, settings: Settings) -> None:
    try:
        if urlsplit(base_url).query or "#" in base_url:
            raise Invalid.of("base_url", "bad_base_url")
        target = Target.of(base_url)
    except (ValueError, FetchRefused) as error:
        raise Invalid.of("base_url", "bad_base_url") from error
    try:
        addresses_of(settings.provider_hosts).find(target.host, target.port, RESOLVE_SECONDS)
    except FetchRefused as error:
        raise Invalid.of("base_url", "host_refused") from error
    except (OSError, UnicodeError) as error:
        raise Invalid.of("base_url", "host_unknown") from error


def _refuse_elsewhere(base_url: str, changes: Mapping[str, str]) -> None:
    """Who holds a user's token for a moment must not be able to have the key sent to themselves. Raises Invalid."""
    before, after = Target.of(base_url), Target.of(changes["base_url"])
    same = (before.scheme, before.host, before.port) == (after.scheme, after.host, after.port)
    if not same and "api_key" not in changes:
        raise Invalid.of("api_key", "key_needed")


def _known(row: ProviderKey) -> KnownKey:
    names = (row.id, row.api_name, row.model_name, row.base_url, row.last_four)
    return KnownKey(*names, row.created_at, row.updated_at)
