"""Generation tasks: taking orders, telling how they stand, cancelling them and trying again."""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    BindParameter,
    ColumnElement,
    Row,
    Select,
    String,
    bindparam,
    case,
    func,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from backend.services.generation import COLUMNS, TASKS, Generation, generation
from backend.services.links import Links
from backend.services.orders import Order, Orders
from backend.services.references import References
from shared.clock import database_now, now
from shared.db import writing
from shared.errors import IdempotencyMismatch, NotFound, NotRetryable
from shared.generation import Kind, Parameters
from shared.lifecycle import Status, move
from shared.messages import QUEUES, Wake
from shared.models import Task
from shared.progress import Progress, ProgressBoard
from shared.queue import Queue


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


class Generations:
    """The tasks of all users; each method takes whose they are. Somebody else's task is NotFound, as an unknown one."""

    def __init__(
        self,
        session: Session,
        orders: Orders,
        queue: Queue,
        progress: ProgressBoard,
        links: Links,
        references: References,
    ) -> None:
        self._session = session
        self._orders = orders
        self._queue = queue
        self._progress = progress
        self._links = links
        self._references = references

    def submit(self, user_id: int, order: Order, idempotency_key: str | None = None) -> Generation:
        """Queue a task. The committed row is the promise; the hint after it may be lost.

        The same key again gives the same task, for ever. Raises Invalid, IdempotencyMismatch.
        """
        key = hashlib.sha256(idempotency_key.encode()).hexdigest() if idempotency_key else None
        if key and (before := self._submitted(user_id, key, order)):
            return before
        prepared = self._orders.prepare(user_id, order)
        task = Task(
            public_id=f"task_{secrets.token_hex(10)}",
            user_id=user_id,
            kind=order.kind,
            status=Status.QUEUED,
            queue=prepared.queue,
            prompt=order.prompt,
            images=[{"id": text, "key": file.key} for text, file in prepared.images] or None,
            idempotency_key=key,
            request_hash=order.fingerprint() if key else None,
            created_at=now(),
            **_columns(order.kind, prepared.parameters),
        )
        try:
            with writing(self._session):
                self._references.use([file for _, file in prepared.images])
                self._session.add(task)
        except IntegrityError:
            if key and (meanwhile := self._submitted(user_id, key, order)):
                return meanwhile
            raise
        return self._ring(self.find(user_id, task.public_id))

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

    def cancel(self, user_id: int, public_id: str) -> Generation:
        """A waiting task is cancelled at once, a running one at its next step; one that has ended stays as it is."""
        mine = (Task.public_id == public_id, Task.user_id == user_id)
        with writing(self._session):
            self._session.execute(move(Status.QUEUED, Status.CANCELLED, *mine, finished_at=database_now()))
            running = update(Task).where(Task.status == Status.PROCESSING, *mine)
            self._session.execute(running.values(cancel_requested=True, updated_at=database_now()))
        row = self._row(user_id, public_id)
        if row.cancel_requested:
            self._progress.ask_to_stop(public_id, row.fence)
        self._progress.announce(public_id)
        return self._described([row])[0]

    def retry(self, user_id: int, public_id: str) -> Generation:
        """Queue a failed or cancelled task anew, as it was asked for. Raises NotRetryable, Invalid for a lost model."""
        row = self._row(user_id, public_id)
        if row.status not in {Status.FAILED, Status.CANCELLED}:
            raise NotRetryable(row.status)
        self._orders.refuse_impossible(user_id, Kind(row.kind), row.model, row.parameters.get("provider"))
        fresh = {"error_code": None, "finished_at": None, "started_at": None, "cancel_requested": False, "attempt": 0}
        with writing(self._session):
            same = (Task.id == row.id, Task.fence == row.fence, Task.deleted_at.is_(None))
            again = move(Status(row.status), Status.QUEUED, *same, **fresh)
            if self._session.execute(again).rowcount != 1:  # type: ignore[attr-defined]
                raise NotRetryable
        return self._ring(self.find(user_id, public_id))

    def _submitted(self, user_id: int, key: str, order: Order) -> Generation | None:
        """The task that this key was used for. Raises IdempotencyMismatch when it was for something else."""
        used = select(Task.public_id, Task.request_hash).where(Task.user_id == user_id, Task.idempotency_key == key)
        row = self._session.execute(used).one_or_none()
        if row is None:
            return None
        if row.request_hash != order.fingerprint():
            raise IdempotencyMismatch
        return self.find(user_id, row.public_id)

    def _ring(self, submitted: Generation) -> Generation:
        """What waits for providers needs no hint: their threads look by themselves."""
        self._session.rollback()  # the connection goes back before the broker is spoken to
        if submitted.queue in QUEUES:
            self._queue.send(Wake(submitted.queue))
        return submitted

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


def _columns(kind: Kind, parameters: Parameters) -> dict[str, Any]:
    """What the row says of the parameters: all of them, and once more what is searched for."""
    searched = ("model", "sampling_method", "steps", "seed", "width", "height")
    return {
        "parameters": parameters.as_dict(),
        "batch_key": parameters.batch_key(kind),
        **{name: getattr(parameters, name) for name in searched},
    }


def _remaining(started_at: datetime | None, progress: Progress | None) -> int | None:
    """Seconds that the rest takes at the pace of the steps so far; None before the second step."""
    if started_at is None or progress is None or progress.step < 2:
        return None
    elapsed = (now() - started_at).total_seconds()
    return max(1, round(elapsed * (progress.steps - progress.step) / progress.step))
