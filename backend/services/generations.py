"""Generation tasks: taking orders, cancelling them and trying again."""

import hashlib
import secrets
from collections.abc import Sequence
from typing import Any

import structlog
from sqlalchemy import Row, delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from backend.services.admission import Admission
from backend.services.generation import Generation
from backend.services.orders import Order, Orders
from backend.services.references import References
from backend.services.tasks import Tasks
from shared.clock import database_now, now
from shared.db import writing
from shared.errors import IdempotencyMismatch, NotRetryable
from shared.generation import Kind, Parameters
from shared.lifecycle import Status, move
from shared.messages import Wake
from shared.models import Share, Task
from shared.progress import ProgressBoard
from shared.queue import Queue

log = structlog.get_logger(__name__)


class Generations:
    """The tasks of all users; each method takes whose they are. Somebody else's task is NotFound, as an unknown one."""

    def __init__(
        self,
        session: Session,
        tasks: Tasks,
        orders: Orders,
        references: References,
        admission: Admission,
        queue: Queue,
        progress: ProgressBoard,
        request_id: str = "",
    ) -> None:
        """`request_id` names the request that these are asked by, for the log."""
        self._session = session
        self._tasks = tasks
        self._orders = orders
        self._references = references
        self._admission = admission
        self._queue = queue
        self._progress = progress
        self._request_id = request_id or None

    def submit(self, user_id: int, order: Order, idempotency_key: str | None = None) -> Generation:
        """Queue a task. The committed row is the promise; the hint after it may be lost.

        The same key again gives the same task, for as long as there is its row. Raises Invalid, IdempotencyMismatch,
        QueueFull, QuotaExceeded, AccountDisabled.
        """
        key = hashlib.sha256(idempotency_key.encode()).hexdigest() if idempotency_key else None
        if key and (before := self._submitted(user_id, key, order)):
            return before
        prepared = self._orders.prepare(user_id, order)
        priority = self._admission.priority(user_id, order.requested.get("priority"))
        entry = self._admission.entry(user_id, prepared.queue, priority, order.kind, prepared.parameters)
        row = {
            "public_id": f"task_{secrets.token_hex(10)}",
            "user_id": user_id,
            "kind": order.kind,
            "status": Status.QUEUED,
            "queue": prepared.queue,
            "prompt": order.prompt,
            "images": [{"id": text, "key": file.key} for text, file in prepared.images] or None,
            "idempotency_key": key,
            "request_hash": order.fingerprint() if key else None,
            "request_id": self._request_id,
            "created_at": now(),
            **_columns(order.kind, prepared.parameters),
        }
        try:
            with writing(self._session):
                row |= self._admission.admit(entry)
                self._references.use([file for _, file in prepared.images])
                self._session.connection().execute(insert(Task), [row])
        except IntegrityError:
            if key and (meanwhile := self._submitted(user_id, key, order)):
                return meanwhile
            raise
        return self._ring(self._tasks.find(user_id, row["public_id"]))

    def cancel(self, user_id: int, public_id: str) -> Generation:
        """A waiting task is cancelled at once, a running one at its next step; one that has ended stays as it is."""
        mine = (Task.public_id == public_id, Task.user_id == user_id)
        with writing(self._session):
            at_once = move(Status.QUEUED, Status.CANCELLED, *mine, finished_at=database_now())
            if self._session.execute(at_once).rowcount:  # type: ignore[attr-defined]
                self._admission.leave(public_id)
            running = update(Task).where(Task.status == Status.PROCESSING, *mine)
            self._session.execute(running.values(cancel_requested=True, updated_at=database_now()))
        task = self._tasks.find(user_id, public_id)
        if task.cancel_requested:
            self._progress.ask_to_stop(public_id, task.fence)
        self._progress.announce(public_id)
        return task

    def cancel_all(self, user_id: int) -> None:
        """The same for everything that the user has waiting or running; their shares begin anew."""
        with writing(self._session):
            running = self.end_all(user_id)
        self.stop(running)

    def end_all(self, user_id: int) -> Sequence[Row[Any]]:
        """As part of the caller's transaction; returns what runs, which is to be told to stop after it."""
        mine = (Task.user_id == user_id, Task.deleted_at.is_(None))
        running = (*mine, Task.status == Status.PROCESSING)
        self._session.execute(move(Status.QUEUED, Status.CANCELLED, *mine, finished_at=database_now()))
        asked = {"cancel_requested": True, "updated_at": database_now()}
        self._session.execute(update(Task).where(*running).values(asked))
        self._session.execute(delete(Share).where(Share.user_id == user_id))
        named: Any = select(Task.public_id, Task.fence)
        found: Sequence[Row[Any]] = self._session.execute(named.where(*running)).all()
        return found

    def stop(self, running: Sequence[Row[Any]]) -> None:
        """Tell those who work on these tasks, and who watch them."""
        for task in running:
            self._progress.ask_to_stop(task.public_id, task.fence)
            self._progress.announce(task.public_id)

    def retry(self, user_id: int, public_id: str) -> Generation:
        """Queue a failed or cancelled task anew, as it was asked for, behind what its user has in the queue by now.

        Raises NotRetryable, QueueFull, QuotaExceeded, AccountDisabled, and Invalid for what is not offered or allowed
        any more.
        """
        task = self._tasks.find(user_id, public_id)
        if task.status not in {Status.FAILED, Status.CANCELLED}:
            raise NotRetryable(task.status)
        provider = task.parameters.get("provider")
        self._orders.refuse_impossible(user_id, task.kind, task.prompt, task.model, provider)
        priority = self._admission.again(user_id, public_id)
        entry = self._admission.entry(user_id, task.queue, priority, task.kind, Parameters(**task.parameters))
        fresh = {"error_code": None, "finished_at": None, "started_at": None, "cancel_requested": False, "attempt": 0}
        with writing(self._session):
            same = (Task.id == task.id, Task.fence == task.fence, Task.deleted_at.is_(None))
            place = {**self._admission.admit(entry), "waiting_since": database_now()}
            place["expected_seconds"] = None  # it began long ago
            again = move(task.status, Status.QUEUED, *same, **fresh, **place, request_id=self._request_id)
            if self._session.execute(again).rowcount != 1:  # type: ignore[attr-defined]
                raise NotRetryable
        return self._ring(self._tasks.find(user_id, public_id))

    def _submitted(self, user_id: int, key: str, order: Order) -> Generation | None:
        """The task that this key was used for. Raises IdempotencyMismatch when it was for something else."""
        used = select(Task.public_id, Task.request_hash).where(Task.user_id == user_id, Task.idempotency_key == key)
        row = self._session.execute(used).one_or_none()
        if row is None:
            return None
        if row.request_hash != order.fingerprint():
            raise IdempotencyMismatch
        return self._tasks.find(user_id, row.public_id)

    def _ring(self, submitted: Generation) -> Generation:
        self._session.rollback()  # the connection goes back before the broker is spoken to
        log.info("task_queued", task_id=submitted.public_id, queue=submitted.queue, model=submitted.model)
        self._queue.send(Wake(submitted.queue))
        return submitted


def _columns(kind: Kind, parameters: Parameters) -> dict[str, Any]:
    """What the row says of the parameters: all of them, and once more what is searched for."""
    searched = ("model", "sampling_method", "steps", "seed", "width", "height")
    return {
        "parameters": parameters.as_dict(),
        "batch_key": parameters.batch_key(kind),
        **{name: getattr(parameters, name) for name in searched},
    }
