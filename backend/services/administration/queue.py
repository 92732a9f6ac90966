"""What waits and what runs, by what and by whom, and what nobody will ever take as things are."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, and_, case, func, select
from sqlalchemy.orm import Session

from shared.catalog import Catalog
from shared.clock import database_now
from shared.lifecycle import Status
from shared.messages import QUEUES
from shared.models import Task, User
from shared.workers import ABLE, Workers

USERS = 50

WAITING = func.sum(case((Task.status == Status.QUEUED, 1), else_=0)).label("waiting")
RUNNING = func.sum(case((Task.status == Status.PROCESSING, 1), else_=0)).label("running")
# Whatever puts a task into the queue stamps `updated_at`, be it for the first time or again; a waiting one rests.
OLDEST = func.min(case((Task.status == Status.QUEUED, Task.updated_at))).label("oldest")


@dataclass(frozen=True)
class Line:
    """Tasks of one model and kind in one queue. `unserved` says why no worker will take those that wait, if so."""

    queue: str
    model: str
    kind: str
    waiting: int
    running: int
    oldest_seconds: float | None
    unserved: str | None


@dataclass(frozen=True)
class UserLine:
    """Tasks of one user."""

    user_id: int
    account: str
    waiting: int
    running: int
    oldest_seconds: float | None


@dataclass(frozen=True)
class QueueState:
    """`by_user` has those with the most tasks."""

    waiting: int
    running: int
    oldest_seconds: float | None
    by_model: Sequence[Line]
    by_user: Sequence[UserLine]


class QueueView:
    """The queue as it is now."""

    def __init__(self, session: Session, catalog: Catalog, workers: Workers) -> None:
        self._session = session
        self._catalog = catalog
        self._workers = workers

    def state(self) -> QueueState:
        """Everything that waits or runs, counted."""
        able = any(worker.state in ABLE for worker in self._workers.all())
        by_model = self._grouped(Task.queue, Task.model, Task.kind).order_by(Task.queue, Task.model, Task.kind)
        lines = [self._line(row, able) for row in self._session.execute(by_model)]
        waits = [line.oldest_seconds for line in lines if line.oldest_seconds is not None]
        return QueueState(
            waiting=sum(line.waiting for line in lines),
            running=sum(line.running for line in lines),
            oldest_seconds=max(waits, default=None),
            by_model=lines,
            by_user=self._by_user(),
        )

    def _by_user(self) -> list[UserLine]:
        counted = self._grouped(Task.user_id, User.account).join(User, User.id == Task.user_id)
        rows = self._session.execute(counted.order_by(WAITING.desc(), RUNNING.desc(), Task.user_id).limit(USERS))
        return [UserLine(row.user_id, row.account, int(row.waiting), int(row.running), _age(row)) for row in rows]

    def _grouped(self, *by: Any) -> Any:
        unfinished = and_(Task.status.in_([Status.QUEUED, Status.PROCESSING]), Task.deleted_at.is_(None))
        columns = (*by, WAITING, RUNNING, OLDEST, database_now().label("now"))
        return select(*columns).select_from(Task).where(unfinished).group_by(*by)

    def _line(self, row: Row[Any], able: bool) -> Line:
        unserved = self._unserved(row, able) if row.waiting else None
        return Line(row.queue, row.model, row.kind, int(row.waiting), int(row.running), _age(row), unserved)

    def _unserved(self, row: Row[Any], able: bool) -> str | None:
        if not able:
            return "no_worker"
        model = self._catalog.models.get(row.model)
        offered = row.queue not in QUEUES or (model is not None and row.kind in model.kinds)
        return None if offered else "model_not_offered"


def _age(row: Row[Any]) -> float | None:
    oldest: datetime | None = row.oldest
    return max(0.0, round((row.now - oldest).total_seconds(), 1)) if oldest else None
