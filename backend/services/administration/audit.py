"""Who did what to whom: an entry for each action of an administrator, committed together with what the action did."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from sqlalchemy import event, insert, select, update
from sqlalchemy.orm import Session

from backend.services.accounts import account_key
from backend.services.administration.paging import RowPage, newest_first
from shared.clock import now
from shared.db import writing
from shared.erasure import anonymise, pseudonym
from shared.models import AuditEntry


class Action(StrEnum):
    """What administrators do."""

    DRAIN = "worker.drain"
    RESUME = "worker.resume"
    CANCEL = "task.cancel"
    RETRY = "task.retry"
    REQUEUE = "tasks.requeue"
    CREATE = "user.create"
    PROMOTE = "user.promote"
    CHANGE = "user.change"
    DISABLE = "user.disable"
    ENABLE = "user.enable"
    PASSWORD = "user.password"  # noqa: S105 - no password
    MAIL_CODE = "user.mail_code"
    ERASE = "user.erase"


class Actor(Protocol):
    """Who acts: an administrator's account, or whoever sits at the terminal."""

    @property
    def id(self) -> int | None: ...
    @property
    def account(self) -> str: ...


@dataclass(frozen=True)
class Terminal:
    """Whoever may run the service's programs."""

    id: None = None
    account: str = "terminal"


@dataclass(frozen=True, kw_only=True)
class EntryQuery:
    """Filters and place of a page, the newest entries first; `start` is inclusive, `end` is not."""

    limit: int
    cursor: str | None = None
    admin: str | None = None
    action: Action | None = None
    subject: str | None = None
    start: datetime | None = None
    end: datetime | None = None


class Audit:
    """The log; entries are only ever added, and lose a name at most."""

    def __init__(self, session: Session) -> None:
        self._session = session

    @contextmanager
    def acting(self, actor: Actor, action: Action, subject: str, **details: Any) -> Iterator[None]:
        """The first transaction that is committed within holds the entry too; where none is, there is no entry."""
        entry = {"admin_id": actor.id, "admin": actor.account, "action": action, "subject": subject}
        writes = insert(AuditEntry).values(**entry, details=details, created_at=now())
        left = [writes]

        def write(session: Session) -> None:
            if left:
                session.execute(left.pop())

        event.listen(self._session, "before_commit", write)
        try:
            yield
        finally:
            event.remove(self._session, "before_commit", write)

    def note(self, actor: Actor, action: Action, subject: str, **details: Any) -> None:
        """The same for what is about to be done in many transactions."""
        with self.acting(actor, action, subject, **details), writing(self._session):
            pass

    def forget(self, user_id: int, account: str) -> None:
        """Part of the caller's transaction: whoever had this name is called by number from now on."""
        name = pseudonym(user_id)
        anonymise(self._session.connection(), user_id)
        about = update(AuditEntry).where(AuditEntry.action.startswith("user."), AuditEntry.subject == account)
        self._session.execute(about.values(subject=name))
        of_tasks = select(AuditEntry).where(AuditEntry.details["user"].as_string() == account)
        for entry in self._session.scalars(of_tasks).all():
            entry.details = {**entry.details, "user": name}
        typed = (AuditEntry.action == Action.REQUEUE, AuditEntry.subject != "")
        for entry in self._session.scalars(select(AuditEntry).where(*typed)).all():
            if account_key(entry.subject) == account_key(account):
                entry.subject = name

    def page(self, query: EntryQuery) -> RowPage:
        """Entries. Raises Invalid for a cursor that is none."""
        columns = (AuditEntry.id, AuditEntry.created_at, AuditEntry.admin, AuditEntry.action)
        chosen = select(*columns, AuditEntry.subject, AuditEntry.details)
        wanted = {"admin": query.admin, "action": query.action, "subject": query.subject}
        chosen = chosen.filter_by(**{name: value for name, value in wanted.items() if value is not None})
        if query.start:
            chosen = chosen.where(AuditEntry.created_at >= query.start)
        if query.end:
            chosen = chosen.where(AuditEntry.created_at < query.end)
        return newest_first(self._session, chosen, AuditEntry.id, query.limit, query.cursor)
