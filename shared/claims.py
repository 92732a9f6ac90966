"""Who works on what: the queue's order, leases and their fencing tokens.

Everything here is one short transaction on the caller's engine; all times are the database's own. A claim is known
by (task id, fence): each claim raises the fence, and whoever holds an older one can renew, finish or give back nothing.
The attempt beside it counts only the tries that a user should hear of: one that was given back does not.
"""

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, and_, func, or_, select, update

from shared.clock import database_now
from shared.db import write
from shared.generation import Kind, Parameters, Shape
from shared.kept import total
from shared.lifecycle import Status, move
from shared.models import Task, Worker
from shared.queue_order import ORDER
from shared.rates import record
from shared.shares import advance, lift, liftable
from shared.turns import RULES, QueueRules, Turns
from shared.workers import State

WORKER_LOST = "worker_lost"
LEAVE_SECONDS = 120.0  # that other workers have for what this one could not do
PAUSE_SECONDS = 10.0  # before it tries again where there are none
LIFT_LOOKS = 100  # in the time that a task waits until it is lifted
NO_HOLDER: dict[str, Any] = {"worker_id": None, "lease_until": None}


@dataclass(frozen=True)
class Claim:
    """A task that this worker may work on for as long as its lease is renewed; `images` are its references' keys.

    `request_id` names the request that queued it, for the log; `waited` are the seconds since then.
    """

    id: int
    fence: int
    attempt: int
    public_id: str
    kind: Kind
    prompt: str
    parameters: Parameters
    images: tuple[str, ...] = ()
    user_id: int = 0
    request_id: str = ""
    waited: float = 0


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
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._engine = engine
        self._worker_id = worker_id
        self._lease_seconds = lease_seconds
        self._max_attempts = max_attempts
        self._turns = Turns(rules, clock)
        self._clock = clock
        self._lifts_at: dict[str, float] = {}

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
        return self._end(claim, Status.COMPLETED, results=list(results), has_result=True, bytes=total(results))

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
        mine = self._mine([(claim.id, claim.fence)])
        with write(self._engine) as connection:
            seconds = LEAVE_SECONDS if self._has_peers(connection) else PAUSE_SECONDS
            self._turns.leave_to_others(claim.id, seconds)
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
        """In a transaction of its own. After a look that found nobody the next one has time: it is about minutes."""
        now, seconds = self._clock(), self._turns.rules.lift_seconds
        if now < self._lifts_at.get(queue, now):
            return
        with self._engine.connect() as connection:
            found = liftable(connection, queue, seconds)
        if found:
            with write(self._engine) as connection:
                lift(connection, queue, found)
        else:
            self._lifts_at[queue] = now + seconds / LIFT_LOOKS

    def _free(self, *where: ColumnElement[bool]) -> tuple[int, int]:
        """Looks first, and leaves what is locked: a frozen worker's transaction must not hold up anybody's beat."""
        lost = select(Task.id).where(Task.status == Status.PROCESSING, *where)
        with self._engine.connect() as connection:
            if connection.scalar(lost.limit(1)) is None:
                return 0, 0
        worn_out = Task.attempt >= self._max_attempts
        with write(self._engine) as connection:
            these = Task.id.in_(connection.scalars(lost.with_for_update(skip_locked=True)).all())
            _cancel(connection, these)
            failed = connection.execute(
                move(*FAILED, these, worn_out, error_code=WORKER_LOST, finished_at=database_now(), **NO_HOLDER)
            )
            requeued = connection.execute(move(*BACK, these, **NO_HOLDER))
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

    def _has_peers(self, connection: Connection) -> bool:
        """Whether another worker lives that takes tasks."""
        takes = (Worker.state.not_in([State.GONE, State.STALLED]), Worker.drain_requested.is_(False))
        lives = Worker.beat_at > database_now(-self._lease_seconds)
        return connection.scalar(select(Worker.id).where(Worker.id != self._worker_id, lives, *takes)) is not None

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
    order = (Task.user_id, Task.kind, Task.prompt, Task.parameters, Task.images, Task.request_id)
    times = (Task.created_at, Task.started_at)
    return select(*claim, *order, *times).where(Task.id.in_(ids)).order_by(*ORDER)


def _claim(row: Any) -> Claim:
    parameters = Parameters(**row.parameters)
    images = tuple(image["key"] for image in row.images or ())
    named = (row.id, row.fence, row.attempt, row.public_id, Kind(row.kind))
    waited = max(0.0, (row.started_at - row.created_at).total_seconds())
    return Claim(*named, row.prompt, parameters, images, row.user_id, row.request_id or "", waited)
