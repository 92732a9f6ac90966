"""What has failed, for administrators: how much of it there is, and all of it again once the cause is gone."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, func, select
from sqlalchemy.orm import Session

from backend.services.administration.audit import Action, Actor, Audit
from backend.services.administration.paging import newest_first
from backend.services.administration.tasks import of_user
from backend.services.generations import Generations
from shared.clock import isoformat
from shared.errors import AppError
from shared.lifecycle import Status
from shared.models import Task

AT_ONCE = 500


@dataclass(frozen=True, kw_only=True)
class FailedQuery:
    """Tasks that failed `since` then, and before `until`."""

    since: datetime
    until: datetime | None = None
    user: str | None = None
    model: str | None = None
    error: str | None = None


@dataclass(frozen=True)
class Failed:
    """How many tasks have failed, and by the reason."""

    count: int
    by_error: Mapping[str, int]


@dataclass(frozen=True)
class Requeued:
    """So many are in the queue again, so many could not be; `next_cursor` leads to those that were not tried yet."""

    requeued: int
    refused: int
    next_cursor: str | None


class Failures:
    """The failed tasks that their users have not deleted."""

    def __init__(self, session: Session, generations: Generations, audit: Audit) -> None:
        self._session = session
        self._generations = generations
        self._audit = audit

    def count(self, query: FailedQuery) -> Failed:
        """What `requeue` would try."""
        reasons = select(Task.error_code, func.count()).where(*_wanted(query))
        found = self._session.execute(reasons.group_by(Task.error_code).order_by(Task.error_code)).all()
        return Failed(sum(count for _, count in found), {error or "": count for error, count in found})

    def requeue(self, actor: Actor, query: FailedQuery, after: str | None) -> Requeued:
        """Try these again, AT_ONCE of them at most; the log says so first. Raises Invalid for a cursor that is none."""
        columns: tuple[Any, ...] = (Task.id, Task.created_at, Task.public_id, Task.user_id)
        chosen = select(*columns).where(*_wanted(query))
        found = newest_first(self._session, chosen, Task.id, AT_ONCE, after)
        self._audit.note(actor, Action.REQUEUE, query.user or "", count=len(found.items), **_told(query))
        requeued = sum(map(self._requeued, found.items))
        return Requeued(requeued, len(found.items) - requeued, found.next_cursor)

    def _requeued(self, row: Row[Any]) -> bool:
        """Whether it could be; one that cannot, such as for a model that is gone, holds up no other."""
        try:
            self._generations.retry(row.user_id, row.public_id)
        except AppError:
            return False
        return True


def _wanted(query: FailedQuery) -> list[ColumnElement[bool]]:
    # what ends a task stamps `updated_at` too, and that has an index
    wanted = [Task.updated_at >= query.since, Task.finished_at >= query.since]
    wanted += [Task.status == Status.FAILED, Task.deleted_at.is_(None)]
    if query.until is not None:
        wanted.append(Task.finished_at < query.until)
    if query.user is not None:
        wanted.append(of_user(query.user))
    same = ((Task.model, query.model), (Task.error_code, query.error))
    return [*wanted, *(column == value for column, value in same if value is not None)]


def _told(query: FailedQuery) -> dict[str, str]:
    times = {"since": query.since, "until": query.until}
    told = {name: isoformat(moment) for name, moment in times.items() if moment}
    return told | {name: value for name, value in (("model", query.model), ("error", query.error)) if value}
