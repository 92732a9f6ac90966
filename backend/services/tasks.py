"""How generation tasks stand: what polls, streams and lists ask, which is most of all that is asked."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, BindParameter, ColumnElement, Row, Select, String, bindparam, case, func, select
from sqlalchemy.orm import Session

from backend.services.generation import COLUMNS, TASKS, Generation, generation
from backend.services.links import Links
from shared.clock import now
from shared.errors import NotFound
from shared.lifecycle import Status
from shared.models import Task
from shared.progress import Progress, ProgressBoard


@dataclass(frozen=True)
class Found:
    """Several tasks of a user, and the ids that are none of theirs."""

    tasks: tuple[Generation, ...]
    not_found: tuple[str, ...]

    @property
    def revision(self) -> str:
        """Changes whenever one of the tasks does."""
        text = "\n".join([*(f"{task.public_id} {task.revision}" for task in self.tasks), *self.not_found])
        return hashlib.sha256(text.encode()).hexdigest()[:32]


class Tasks:
    """The tasks of all users; each method takes whose they are. Somebody else's task is NotFound, as an unknown one."""

    def __init__(self, session: Session, progress: ProgressBoard, links: Links) -> None:
        self._session = session
        self._progress = progress
        self._links = links

    def find(self, user_id: int, public_id: str) -> Generation:
        """How the task stands now."""
        return self._described([self._row(user_id, public_id)])[0]

    def find_all(self, user_id: int, public_ids: Sequence[str]) -> dict[str, Generation]:
        """Those of these tasks that are the user's, by id."""
        rows = self._session.execute(_own(user_id).where(Task.public_id.in_(public_ids))).all()
        return {found.public_id: found for found in self._described(rows)}

    def look_up(self, user_id: int, public_ids: Sequence[str]) -> Found:
        """How all of these stand, in this order."""
        found = self.find_all(user_id, public_ids)
        tasks = tuple(found[name] for name in public_ids if name in found)
        return Found(tasks, tuple(name for name in public_ids if name not in found))

    def unfinished(self, user_id: int, limit: int) -> list[Generation]:
        """The user's tasks that wait or run, the oldest first."""
        waiting = Task.status.in_([Status.QUEUED, Status.PROCESSING])
        return self._described(self._session.execute(_own(user_id).where(waiting).order_by(Task.id).limit(limit)).all())

    def latest_change(self, user_id: int) -> datetime:
        """When one of the user's tasks last changed."""
        latest = select(func.max(Task.updated_at)).where(Task.user_id == user_id)
        return self._session.scalar(latest) or now()

    def changed_since(self, user_id: int, moment: datetime, limit: int) -> list[Generation]:
        """The user's tasks that have changed since then, the oldest change first; all of the last moment's."""
        changed = _own(user_id).where(Task.updated_at >= moment)
        ends = select(Task.updated_at).where(Task.user_id == user_id, Task.updated_at >= moment)
        last = self._session.scalar(ends.order_by(Task.updated_at).offset(limit - 1).limit(1))
        bounded = changed if last is None else changed.where(Task.updated_at <= last)
        return self._described(self._session.execute(bounded.order_by(Task.updated_at)).all())

    def _row(self, user_id: int, public_id: str) -> Row[Any]:
        row = self._session.execute(FIND, {"user_id": user_id, "public_id": public_id}).one_or_none()
        if row is None:
            raise NotFound(public_id)
        return row

    def _described(self, rows: Sequence[Row[Any]]) -> list[Generation]:
        running = {row.public_id: row.fence for row in rows if row.status == Status.PROCESSING}
        known = self._progress.read_all(running)
        return [self._one(row, known.get(row.public_id)) for row in rows]

    def _one(self, row: Row[Any], progress: Progress | None) -> Generation:
        eta = _remaining(row.started_at, progress)
        return generation(row, self._links, progress, queue_position=row.queue_position, eta_seconds=eta)


def _queue_position() -> ColumnElement[int | None]:
    """1 for the next one; in the same query as the task, which is asked for more often than anything else."""
    ahead = Task.__table__.alias()
    waiting = (ahead.c.status == Status.QUEUED, ahead.c.queue == TASKS.queue, ahead.c.id <= TASKS.id)
    counted = select(func.count()).select_from(ahead).where(*waiting).correlate(Task.__table__).scalar_subquery()
    return case((TASKS.status == Status.QUEUED, counted)).label("queue_position")


def _own(user_id: int | BindParameter[int]) -> Select[Any]:
    return select(*COLUMNS, _queue_position()).where(TASKS.user_id == user_id, TASKS.deleted_at.is_(None))


FIND = _own(bindparam("user_id", type_=BigInteger)).where(TASKS.public_id == bindparam("public_id", type_=String))


def _remaining(started_at: datetime | None, progress: Progress | None) -> int | None:
    """Seconds that the rest takes at the pace of the steps so far; None before the second step."""
    if started_at is None or progress is None or progress.step < 2:
        return None
    elapsed = (now() - started_at).total_seconds()
    return max(1, round(elapsed * (progress.steps - progress.step) / progress.step))
