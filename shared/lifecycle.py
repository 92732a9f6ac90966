"""The moves of a task's status: every one that is legal, and the only way to make one."""

from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Update, update

from shared.clock import database_now
from shared.models import Task


class Status(StrEnum):
    """Where a task stands."""

    QUEUED = "queued"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


ENDED = frozenset({Status.COMPLETED, Status.FAILED, Status.CANCELLED})
LEGAL = frozenset(
    {
        (Status.QUEUED, Status.PROCESSING),  # claimed
        (Status.PROCESSING, Status.QUEUED),  # given back, or its lease ran out
        (Status.PROCESSING, Status.COMPLETED),
        (Status.PROCESSING, Status.FAILED),
        (Status.QUEUED, Status.CANCELLED),
        (Status.PROCESSING, Status.CANCELLED),  # at its next step
        (Status.FAILED, Status.QUEUED),  # tried again, by its user
        (Status.CANCELLED, Status.QUEUED),
    }
)


class IllegalMove(Exception):
    """No task may go this way."""


def move(before: Status, after: Status, *where: ColumnElement[bool], **values: Any) -> Update:
    """The conditional update of those tasks that are `before` and match `where`; its row count says how many moved."""
    if (before, after) not in LEGAL:
        raise IllegalMove(f"{before} -> {after}")
    return update(Task).where(Task.status == before, *where).values(status=after, updated_at=database_now(), **values)
