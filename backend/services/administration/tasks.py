"""Everybody's tasks, for administrators: finding them, ending them, and trying them again."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, select
from sqlalchemy.orm import Session

from backend.services.accounts import account_key
from backend.services.administration.audit import Action, Actor, Audit
from backend.services.administration.paging import RowPage, newest_first
from backend.services.generation import COLUMNS, Generation, generation
from backend.services.generations import Generations
from backend.services.history import veiled
from backend.services.links import Links
from shared.errors import NotFound
from shared.generation import Kind
from shared.lifecycle import Status
from shared.models import Task, User


@dataclass(frozen=True, kw_only=True)
class TaskQuery:
    """Filters and place of a page, the newest first. `start` is inclusive, `end` is not."""

    limit: int
    cursor: str | None = None
    user: str | None = None
    status: Status | None = None
    model: str | None = None
    kind: Kind | None = None
    error: str | None = None
    start: datetime | None = None
    end: datetime | None = None


@dataclass(frozen=True)
class Owned:
    """A task, the name of whom it belongs to, and the worker that holds it."""

    task: Generation
    account: str
    worker_id: str | None


class AllTasks:
    """The tasks that their users have not deleted; `unveiled` is whether what they show is shown here."""

    def __init__(self, session: Session, generations: Generations, links: Links, audit: Audit, unveiled: bool) -> None:
        self._session = session
        self._generations = generations
        self._links = links
        self._audit = audit
        self._unveiled = unveiled

    def page(self, query: TaskQuery) -> RowPage:
        """Owned tasks. Raises Invalid for a cursor that is none."""
        found = newest_first(self._session, _chosen().where(*_wanted(query)), Task.id, query.limit, query.cursor)
        return RowPage([self._owned(row) for row in found.items], found.next_cursor)

    def find(self, public_id: str) -> Owned:
        """Raises NotFound."""
        return self._owned(self._row(public_id))

    def cancel(self, actor: Actor, public_id: str) -> Owned:
        """As its user would. Raises NotFound."""
        row = self._row(public_id)
        with self._audit.acting(actor, Action.CANCEL, public_id, user=row.account):
            self._generations.cancel(row.user_id, public_id)
        return self.find(public_id)

    def retry(self, actor: Actor, public_id: str) -> Owned:
        """As its user would. Raises NotFound, AccountDisabled and what Generations.retry raises."""
        row = self._row(public_id)
        with self._audit.acting(actor, Action.RETRY, public_id, user=row.account):
            self._generations.retry(row.user_id, public_id)
        return self.find(public_id)

    def _row(self, public_id: str) -> Row[Any]:
        row = self._session.execute(_chosen().where(Task.public_id == public_id)).one_or_none()
        if row is None:
            raise NotFound(public_id)
        return row

    def _owned(self, row: Row[Any]) -> Owned:
        found = generation(row, self._links)
        return Owned(found if self._unveiled else veiled(found), row.account, row.worker_id)


def _chosen() -> Select[Any]:
    # no join: a database may begin one with the users, and then has to sort
    account = select(User.account).where(User.id == Task.user_id).scalar_subquery().label("account")
    return select(*COLUMNS, account, Task.worker_id).where(Task.deleted_at.is_(None))


def of_user(name: str) -> ColumnElement[bool]:
    """The tasks of the user of this name."""
    return Task.user_id == select(User.id).where(User.account_key == account_key(name)).scalar_subquery()


def _wanted(query: TaskQuery) -> list[ColumnElement[bool]]:
    wanted: list[ColumnElement[bool]] = []
    if query.user is not None:
        wanted.append(of_user(query.user))
    if query.status is not None:
        wanted.append(Task.status == query.status)
    if query.status not in {None, Status.PROCESSING}:
        wanted.append(Task.lease_until.is_(None))  # so it is, and with it the index has them in the order of their ids
    if query.start is not None:
        wanted.append(Task.created_at >= query.start)
    if query.end is not None:
        wanted.append(Task.created_at < query.end)
    same = ((Task.model, query.model), (Task.kind, query.kind), (Task.error_code, query.error))
    return [*wanted, *(column == value for column, value in same if value is not None)]
