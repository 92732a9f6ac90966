"""Fair shares of a queue by start-time fair queueing (Goyal, Vin and Cheng, 1996) on predicted seconds of the device.

A task starts, in virtual time, where its user's last one finishes, or at the time of the queue itself if that is later:
so a newcomer stands before everybody's backlog, and who was idle has saved nothing up. Each priority of a queue has
shares and a clock of its own. The lock of a user's row is the lock of their shares.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, case, func, insert, select, update

from shared.clock import database_now
from shared.db import insert_unless_there
from shared.lifecycle import Status
from shared.models import QueueClock, Share, Task, User
from shared.queue_order import Priority, beginning, lock, waiting

DRIFT = 0.1  # of a task's cost: a prediction that was less wrong moves nobody in the queue
LIFTED = 8  # at a time
HAIR, BESIDE = 1e-6, 5e-4  # virtual seconds; what the cheapest task costs is more (shared/rates.py)


def charge(connection: Connection, user_id: int, queue: str, priority: int, cost: float) -> float:
    """Add a task of so many seconds to the share of a user, whose row the caller has locked.

    Returns the virtual time at which it starts.
    """
    mine = _of(user_id, queue, priority)
    finish = connection.scalar(select(Share.virtual_finish).where(*mine).with_for_update())
    now = _now(connection, queue, priority)
    start = finish if finish is not None and finish > now else _after_those_who_came_now(connection, queue, now)
    if finish is None:
        keys = {"user_id": user_id, "queue": queue, "priority": priority}
        connection.execute(insert(Share).values(**keys, virtual_finish=start + cost))
    else:
        connection.execute(update(Share).where(*mine).values(virtual_finish=start + cost))
    return start


def correct(connection: Connection, task: Any, seconds: float) -> None:
    """The task has cost so many seconds more than its user was charged: what is behind it moves by as many.

    The row has the task's user, queue, priority, virtual_start and cost.
    """
    mine = _of(task.user_id, task.queue, task.priority)
    connection.execute(update(Share).where(*mine).values(virtual_finish=Share.virtual_finish + seconds))
    if abs(seconds) <= DRIFT * task.cost:
        return
    same = (Task.user_id == task.user_id, Task.deleted_at.is_(None), Task.status == Status.QUEUED)
    behind = (Task.queue == task.queue, Task.priority == task.priority, Task.virtual_start >= task.virtual_start)
    ids = connection.scalars(select(Task.id).where(*same, *behind)).all()
    first, there = beginning(task.priority), Task.virtual_start + seconds
    moved = update(Task).where(Task.id.in_(lock(connection, ids)))
    connection.execute(moved.values(virtual_start=case((there < first, first), else_=there)))


def advance(connection: Connection, queue: str, priority: int, virtual_time: float) -> None:
    """The clock shows this time, unless it has passed it already."""
    clock = (QueueClock.queue == queue, QueueClock.priority == priority)
    later = update(QueueClock).where(*clock, QueueClock.virtual_time < virtual_time)
    if connection.execute(later.values(virtual_time=virtual_time)).rowcount:
        return
    if connection.scalar(select(QueueClock.virtual_time).where(*clock)) is None:
        first = insert_unless_there(QueueClock)
        connection.execute(first.values(queue=queue, priority=priority, virtual_time=virtual_time))


def liftable(connection: Connection, queue: str, seconds: float) -> list[Row[Any]]:
    """The tasks that have waited so long behind a more urgent one; only the fairest of each priority are looked at."""
    head = connection.scalar(waiting(Task.priority, queue=queue).limit(1))
    old = (Task.waiting_since < database_now(-seconds)).label("old")
    columns = (Task.id, Task.user_id, Task.cost, Task.priority, Task.virtual_start, old)
    behind = [] if head is None else [priority for priority in Priority if priority > head]
    heads = [waiting(*columns, queue=queue, priority=priority).limit(LIFTED) for priority in behind]
    return [row for fairest in heads for row in connection.execute(fairest) if row.old]


def lift(connection: Connection, queue: str, rows: Sequence[Row[Any]]) -> None:
    """From now on these tasks count as the next priority up.

    They come as if submitted there now, at the end of their user's share: so a backlog that has waited long does not
    come before everybody else's.
    """
    users = {row.user_id for row in rows}
    connection.execute(select(User.id).where(User.id.in_(users)).order_by(User.id).with_for_update())
    locked = set(lock(connection, [row.id for row in rows]))
    for row in sorted(rows, key=lambda row: (row.user_id, row.priority, row.virtual_start, row.id)):
        if row.id in locked:
            start = charge(connection, row.user_id, queue, row.priority - 1, row.cost)
            place = {"priority": row.priority - 1, "virtual_start": start, "waiting_since": database_now()}
            connection.execute(update(Task).where(Task.id == row.id, Task.priority == row.priority).values(place))
            advance(connection, queue, row.priority, row.virtual_start)


def _now(connection: Connection, queue: str, priority: int) -> float:
    """The queue's virtual time. While nothing waits all users are even: it catches up with the furthest of them."""
    clock, first = _clock_and_first(queue, priority)
    now = connection.scalar(clock) or beginning(priority)
    if connection.scalar(first) is not None:
        return now
    furthest = select(func.max(Share.virtual_finish)).where(Share.queue == queue, Share.priority == priority)
    now = max(now, connection.scalar(furthest) or now)
    advance(connection, queue, priority, now)
    return now


@cache
def _clock_and_first(queue: str, priority: int) -> tuple[Select[Any], Select[Any]]:
    """Written once: every submit asks for both."""
    clock = select(QueueClock.virtual_time).where(QueueClock.queue == queue, QueueClock.priority == priority)
    return clock, waiting(Task.id, queue=queue, priority=priority).limit(1)


def _after_those_who_came_now(connection: Connection, queue: str, now: float) -> float:
    """Next to them by a hair, so that no two tasks start at the same time."""
    beside = select(func.max(Task.virtual_start)).where(
        Task.status == Status.QUEUED, Task.queue == queue, Task.virtual_start.between(now, now + BESIDE)
    )
    last = connection.scalar(beside)
    return now if last is None else last + HAIR


def _of(user_id: int, queue: str, priority: int) -> tuple[ColumnElement[bool], ...]:
    return Share.user_id == user_id, Share.queue == queue, Share.priority == priority
