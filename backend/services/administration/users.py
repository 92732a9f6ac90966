"""Users as administrators see and change them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, func, or_, select, update
from sqlalchemy.orm import Session

from backend.services.accounts import ADMIN, Account, Accounts, login_name
from backend.services.administration.audit import Action, Actor, Audit
from backend.services.administration.paging import RowPage, newest_first
from backend.services.cursor import MAX_NUMBER
from backend.services.generations import Generations
from backend.services.quotas import Quotas
from shared.clock import database_now
from shared.db import writing
from shared.errors import NotFound, OwnAccount
from shared.lifecycle import Status
from shared.models import Task, User

FACTS: tuple[Any, ...] = (
    *(User.id, User.account, User.email, User.role, User.created_at, User.last_login_at),
    *(User.disabled_at, User.queue_cap, User.running_cap, User.quota_bytes),
)
KEPT = User.erased_at.is_(None)


@dataclass(frozen=True, kw_only=True)
class UserQuery:
    """Filters and place of a page; `search` is a part of the name or the address."""

    limit: int
    cursor: str | None = None
    search: str | None = None
    role: str | None = None
    disabled: bool | None = None


@dataclass(frozen=True, kw_only=True)
class KnownUser:
    """A user, how many of their tasks wait and run, and the `bytes` that they have.

    A cap, or quota, that is None is the settings'.
    """

    id: int
    account: str
    email: str
    role: str
    created_at: datetime
    last_login_at: datetime | None
    disabled_at: datetime | None
    queue_cap: int | None
    running_cap: int | None
    quota_bytes: int | None
    waiting: int
    running: int
    bytes: int


class Users:
    """All of them. Nobody disables or demotes themselves: so there is always an administrator left."""

    def __init__(
        self, session: Session, accounts: Accounts, generations: Generations, quotas: Quotas, audit: Audit
    ) -> None:
        self._session = session
        self._accounts = accounts
        self._generations = generations
        self._quotas = quotas
        self._audit = audit

    def page(self, query: UserQuery) -> RowPage:
        """KnownUsers. Raises Invalid for a cursor that is none."""
        chosen = select(*FACTS).where(KEPT, *_wanted(query))
        found = newest_first(self._session, chosen, User.id, query.limit, query.cursor)
        return RowPage(self._known(found.items), found.next_cursor)

    def find(self, user_id: int) -> KnownUser:
        """Raises NotFound."""
        known = select(*FACTS).where(KEPT, User.id == user_id)
        row = self._session.execute(known).one_or_none() if user_id <= MAX_NUMBER else None
        if row is None:
            raise NotFound(str(user_id))
        return self._known([row])[0]

    def named(self, name: str) -> KnownUser | None:
        """Who logs in by this name or e-mail address."""
        row = self._session.execute(select(*FACTS).where(login_name(name))).one_or_none()
        return self._known([row])[0] if row else None

    def create(self, actor: Actor, account: str, email: str, password: str, role: str) -> KnownUser:
        """A new user. Raises what Accounts.register raises."""
        with self._audit.acting(actor, Action.CREATE, account, role=role):
            created = self._accounts.register(account, email, password, role=role)
        return self.find(created.id)

    def promote(self, actor: Actor, user_id: int) -> None:
        """Make somebody an administrator who can log in. Raises NotFound."""
        user = self.find(user_id)
        with self._audit.acting(actor, Action.PROMOTE, user.account), writing(self._session):
            again = update(User).where(KEPT, User.id == user_id)
            self._session.execute(again.values(role=ADMIN, disabled_at=None))

    def change(self, actor: Account, user_id: int, changes: Mapping[str, Any]) -> KnownUser:
        """Give them another role, or caps of their own. Raises NotFound, and OwnAccount for one's own role."""
        user = self.find(user_id)
        if user.id == actor.id and changes.get("role", user.role) != user.role:
            raise OwnAccount
        with self._audit.acting(actor, Action.CHANGE, user.account, **changes), writing(self._session):
            self._session.execute(update(User).where(KEPT, User.id == user_id).values(**changes))
        return self.find(user_id)

    def disable(self, actor: Account, user_id: int) -> KnownUser:
        """No token of theirs counts any more, and all of their tasks end. Raises NotFound, OwnAccount.

        First they are kept from submitting more, then what they have is cancelled.
        """
        user = self.find(user_id)
        if user.id == actor.id:
            raise OwnAccount
        since = func.coalesce(User.disabled_at, database_now())
        ended = update(User).where(User.id == user_id).values(disabled_at=since, token_version=User.token_version + 1)
        with self._audit.acting(actor, Action.DISABLE, user.account), writing(self._session):
            self._session.execute(ended)
        self._generations.cancel_all(user_id)
        return self.find(user_id)

    def enable(self, actor: Actor, user_id: int) -> KnownUser:
        """They may log in again. Raises NotFound."""
        user = self.find(user_id)
        with self._audit.acting(actor, Action.ENABLE, user.account), writing(self._session):
            self._session.execute(update(User).where(KEPT, User.id == user_id).values(disabled_at=None))
        return self.find(user_id)

    def one_time_password(self, actor: Actor, user_id: int) -> str:
        """A password for a single login, which nobody can look up later. Raises NotFound."""
        user = self.find(user_id)
        with self._audit.acting(actor, Action.PASSWORD, user.account):
            return self._accounts.one_time_password(user_id)

    def mail_code(self, actor: Actor, user_id: int) -> None:
        """Mail them a code to reset their password with. Raises NotFound, TooMany, MailFailed."""
        user = self.find(user_id)
        with self._audit.acting(actor, Action.MAIL_CODE, user.account):
            self._accounts.forgot_password(user.email)

    def _known(self, rows: Sequence[Row[Any]]) -> list[KnownUser]:
        users = [row.id for row in rows]
        waiting, running = self._count(users, Status.QUEUED), self._count(users, Status.PROCESSING)
        used = self._quotas.used(users)
        counts: list[dict[str, Any]] = [
            {"waiting": waiting[id], "running": running[id], "bytes": used[id]} for id in users
        ]
        return [KnownUser(**row._mapping, **count) for row, count in zip(rows, counts, strict=True)]

    def _count(self, users: list[int], status: Status) -> Counter[int]:
        """How many of their tasks stand so."""
        theirs = (Task.user_id.in_(users), Task.deleted_at.is_(None), Task.status == status)
        counted = select(Task.user_id, func.count()).where(*theirs).group_by(Task.user_id)
        return Counter(dict(self._session.execute(counted).all()))


def _wanted(query: UserQuery) -> list[ColumnElement[bool]]:
    wanted: list[ColumnElement[bool]] = []
    if query.search is not None:
        wanted.append(or_(*(column.icontains(query.search, autoescape=True) for column in (User.account, User.email))))
    if query.role is not None:
        wanted.append(User.role == query.role)
    if query.disabled is not None:
        wanted.append(User.disabled_at.is_not(None) if query.disabled else User.disabled_at.is_(None))
    return wanted
