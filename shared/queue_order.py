"""Whose turn it is: the one home of the queue's order, for who claims and for who asks for a place.

The lowest virtual start is the fairest (shared/shares.py). Each priority has a span of virtual time of its own, before
the next one's, so that one range of an index says what stands before a task.
"""

from collections.abc import Collection, Sequence
from enum import IntEnum
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, Connection, Select, func, select

from shared.db import by_index
from shared.lifecycle import Status
from shared.models import Task
from shared.models.task import PRIORITY_SPAN, QUEUE_INDEX

ORDER = (Task.virtual_start, Task.id)


class Priority(IntEnum):
    """How urgent a task is; the wire has the names in small letters."""

    HIGH = 0
    NORMAL = 1
    LOW = 2


def beginning(priority: int) -> float:
    """The first moment of this priority's virtual time."""
    return priority * PRIORITY_SPAN


def waiting(*columns: Any, queue: str | BindParameter[str], priority: int | None = None) -> Select[Any]:
    """The tasks that wait in this queue, the fairest first, read from their index."""
    chosen = select(*columns).where(Task.status == Status.QUEUED, Task.queue == queue).order_by(*ORDER)
    if priority is not None:
        chosen = chosen.where(Task.virtual_start >= beginning(priority), Task.virtual_start < beginning(priority + 1))
    return _by_index(chosen)


def running(queue: str) -> Select[Any]:
    """The users of whom tasks run in this queue, and how many."""
    counted = select(Task.user_id, func.count().label("running")).group_by(Task.user_id)
    return _by_index(counted.where(Task.status == Status.PROCESSING, Task.queue == queue))


def lock(connection: Connection, tasks: Collection[int]) -> Sequence[int]:
    """The ids of those of these tasks that wait, which are locked; what somebody is claiming is not waited for."""
    free = select(Task.id).where(Task.id.in_(tasks), Task.status == Status.QUEUED)
    return connection.scalars(free.with_for_update(skip_locked=True)).all()


def place(task: Any) -> ColumnElement[int]:
    """The place of a waiting task, given the table's columns; 1 for the next one. A part of the query that reads it.

    Of tasks with the same virtual start, which shares.py avoids, each has the last one's place: a second range would
    make every poll slower.
    """
    other = Task.__table__.alias()
    ahead = (other.c.status == Status.QUEUED, other.c.queue == task.queue, other.c.virtual_start <= task.virtual_start)
    return select(func.count()).select_from(other).where(*ahead).correlate(Task.__table__).scalar_subquery()


def _by_index(chosen: Any) -> Select[Any]:
    """The index is named: without statistics SQLite takes any that begins with the status, or with the user."""
    return by_index(chosen, Task, QUEUE_INDEX)
