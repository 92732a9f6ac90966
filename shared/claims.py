"""Who works on what: the queue's order, leases and their fencing tokens.

Everything here is one short transaction on the caller's engine; all times are the database's own. A claim is known
by (task id, fence): each claim raises the fence, and whoever holds an older one can renew, finish or give back nothing.
The attempt beside it counts only the tries that a user should hear of: one that was given back does not.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, and_, func, or_, select, update

from shared.clock import database_now
from shared.db import write
from shared.generation import Kind, Parameters, Shape
from shared.lifecycle import Status, move
from shared.models import Task, Worker
from shared.queue_order import ORDER
from shared.rates import record
from shared.shares import advance, lift, liftable
from shared.turns import RULES, QueueRules, Turns

WORKER_LOST = "worker_lost"
NO_HOLDER: dict[str, Any] = {"worker_id": None, "lease_until": None}


@dataclass(frozen=True)
class Claim:
    """A task that this worker may work on for as long as its lease is renewed; `images` are its references' keys."""

    id: int
    fence: int
    attempt: int
    public_id: str
    kind: Kind
    prompt: str
    parameters: Parameters
    images: tuple[str, ...] = ()
    user_id: int = 0


@dataclass(frozen=True)
class Expired:
    """What a sweep found: tasks back in the queue, and tasks that have killed too many workers."""

    requeued: int
    failed: int


class Claims:
    """The claims of one worker process; its id is made in the process that holds the device."""

    def __init__(
        self,
        engine: Engine,
        worker_id: str,
        lease_seconds: float,
        max_attempts: int,
        rules: QueueRules = RULES,
    ) -> None:
        self._engine = engine
        self._worker_id = worker_id
        self._lease_seconds = lease_seconds
        self._max_attempts = max_attempts
        self._turns = Turns(rules)

    def claim(self, queue: str, limit: Callable[[Shape], int], loaded: Collection[str] = ()) -> list[Claim]:
        """The fairest task and up to `limit(shape)` - 1 more that share its batch key; empty when none waits.

        `loaded` models are preferred within bounds (shared/turns.py). Looks first and locks only what it takes, so that
        another worker is not pushed deeper into the queue.
        """
        self._lift(queue)
        with write(self._engine) as connection:
            turn = self._turns.take(connection, queue, limit, loaded)
            if turn is None:
                return []
            connection.execute(
                move(
                    Status.QUEUED,
                    Status.PROCESSING,
                    Task.id.in_(turn.ids),
                    worker_id=self._worker_id,
                    fence=Task.fence + 1,
                    attempt=Task.attempt + 1,
                    lease_until=database_now(self._lease_seconds),
                    started_at=database_now(),
                )
            )
            advance(connection, queue, turn.priority, turn.virtual_time)
            return [_claim(row) for row in connection.execute(_claimed(turn.ids)).all()]

    def measured(self, claimed: Sequence[Claim], seconds: float, *, whole: bool = True) -> None:
        """The pipeline call of these claims took so long; not `whole` when it was stopped."""
        with write(self._engine) as connection:
            record(connection, [claim.id for claim in claimed], seconds, whole=whole)

    def renew(self, held: Collection[tuple[int, int]]) -> dict[tuple[int, int], bool]:
        """Prolong the leases of the (id, fence) pairs that are really held.

        Returns those that still are ours, and of each whether its user has asked for an end.
        """
        if not held:
            return {}
        with write(self._engine) as connection:
            mine = self._mine(held)
            columns = (Task.id, Task.fence, Task.cancel_requested)
            ours = connection.execute(select(*columns).where(mine).with_for_update()).all()
            connection.execute(update(Task).where(mine).values(lease_until=database_now(self._lease_seconds)))
            return {(row.id, row.fence): row.cancel_requested for row in ours}

    def complete(self, claim: Claim, results: Sequence[dict[str, Any]]) -> bool:
        """True when the task is completed by this very claim; False when the lease was lost before."""
        return self._end(claim, Status.COMPLETED, results=list(results), has_result=True)

    def cancel(self, claim: Claim) -> bool:
        """The same for a task that its user does not want any more."""
        return self._end(claim, Status.CANCELLED)

    def fail(self, claim: Claim, error_code: str) -> bool:
        """The same for a task that cannot be done."""
        return self._end(claim, Status.FAILED, error_code=error_code)

    def pass_on(self, claim: Claim, error_code: str) -> bool:
        """Back into the queue for another worker, as a try that counts. True after the last: it has failed."""
        if claim.attempt >= self._max_attempts:
            return self.fail(claim, error_code)
        self._turns.leave_to_others(claim.id)
        mine = self._mine([(claim.id, claim.fence)])
        with write(self._engine) as connection:
            _cancel(connection, mine)
            connection.execute(move(*BACK, mine, **NO_HOLDER))
        return False

    def give_back(self, held: Collection[tuple[int, int]]) -> int:
        """Put claims back into the queue as if they had never been taken: the attempt does not count."""
        if not held:
            return 0
        with write(self._engine) as connection:
            _cancel(connection, self._mine(held))
            back = connection.execute(move(*BACK, self._mine(held), attempt=Task.attempt - 1, **NO_HOLDER))
            return back.rowcount

    def take_over(self, node: str, pid: int | None = None) -> int:
        """Free the tasks of this node's earlier processes, or of that one, which are dead: no lease is waited for."""
        earlier = Worker.id != self._worker_id if pid is None else Worker.pid == pid
        dead = select(Worker.id).where(Worker.node == node, earlier)
        return sum(self._free(Task.worker_id.in_(dead)))

    def expire(self) -> Expired:
        """Free every task whose lease has run out; any worker may do this at any time."""
        requeued, failed = self._free(Task.lease_until < database_now())
        return Expired(requeued, failed)

    def waiting(self, queue: str, seconds: float) -> int:
        """How many tasks of this queue have waited at least so long."""
        old = and_(Task.status == Status.QUEUED, Task.queue == queue, Task.created_at < database_now(-seconds))
        with self._engine.connect() as connection:
            return connection.scalar(select(func.count()).select_from(Task).where(old)) or 0

    def _lift(self, queue: str) -> None:
        """In a transaction of its own, and seldom: to find nobody takes no lock."""
        with self._engine.connect() as connection:
            found = liftable(connection, queue, self._turns.rules.lift_seconds)
        if found:
            with write(self._engine) as connection:
                lift(connection, queue, found)

    def _free(self, *where: ColumnElement[bool]) -> tuple[int, int]:
        worn_out = Task.attempt >= self._max_attempts
        with write(self._engine) as connection:
            _cancel(connection, *where)
            failed = connection.execute(
                move(*FAILED, *where, worn_out, error_code=WORKER_LOST, finished_at=database_now(), **NO_HOLDER)
            )
            requeued = connection.execute(move(*BACK, *where, **NO_HOLDER))
            return requeued.rowcount, failed.rowcount

    def _end(self, claim: Claim, status: Status, **values: Any) -> bool:
        mine = self._mine([(claim.id, claim.fence)])
        ended = move(Status.PROCESSING, status, mine, finished_at=database_now(), **NO_HOLDER, **values)
        with write(self._engine) as connection:
            if connection.execute(ended).rowcount:
                return True
            # who lost the connection while this was committed asks again, and has to hear that it is so
            done = (Task.id == claim.id, Task.fence == claim.fence, Task.status == status)
            return connection.scalar(select(Task.id).where(*done)) is not None

    def _mine(self, held: Collection[tuple[int, int]]) -> ColumnElement[bool]:
        pairs = or_(*(and_(Task.id == task, Task.fence == fence) for task, fence in held))
        return and_(Task.status == Status.PROCESSING, Task.worker_id == self._worker_id, pairs)


BACK = (Status.PROCESSING, Status.QUEUED)
FAILED = (Status.PROCESSING, Status.FAILED)


def _cancel(connection: Connection, *where: ColumnElement[bool]) -> None:
    """What is about to leave its worker, and is not wanted any more, does not go back into the queue."""
    ended = {"finished_at": database_now(), **NO_HOLDER}
    connection.execute(move(Status.PROCESSING, Status.CANCELLED, *where, Task.cancel_requested.is_(True), **ended))


def _claimed(ids: Sequence[int]) -> Any:
    claim = (Task.id, Task.fence, Task.attempt, Task.public_id)
    order = (Task.user_id, Task.kind, Task.prompt, Task.parameters, Task.images)
    return select(*claim, *order).where(Task.id.in_(ids)).order_by(*ORDER)


def _claim(row: Any) -> Claim:
    parameters = Parameters(**row.parameters)
    images = tuple(image["key"] for image in row.images or ())
    named = (row.id, row.fence, row.attempt, row.public_id, Kind(row.kind))
    return Claim(*named, row.prompt, parameters, images, row.user_id)
