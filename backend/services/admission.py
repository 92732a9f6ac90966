"""How a user's task joins a queue: whether there is room, how urgent it may be, and where it stands by fair share."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backend.services.accounts import ADMIN
from backend.services.forecasts import Forecast, Forecasts
from backend.services.quotas import Quotas
from shared.errors import AccountDisabled, Invalid, QueueFull
from shared.generation import Kind, Parameters
from shared.lifecycle import Status
from shared.models import Task, User
from shared.queue_order import Priority
from shared.rates import units
from shared.shares import charge, correct


@dataclass(frozen=True)
class Entry:
    """A task that is to join a queue: so many units of work, which are thought to cost so many seconds."""

    user_id: int
    queue: str
    priority: Priority
    model: str
    kind: Kind
    units: float
    cost: float
    forecast: Forecast


class Admission:
    """For all users."""

    def __init__(self, session: Session, forecasts: Forecasts, quotas: Quotas, queue_cap: int) -> None:
        self._session = session
        self._forecasts = forecasts
        self._quotas = quotas
        self._queue_cap = queue_cap

    def priority(self, user_id: int, asked: str | None) -> Priority:
        """The priority of this name, normal without one. Raises Invalid for the one that is not for everybody."""
        priority = Priority[(asked or "normal").upper()]
        if priority is Priority.HIGH and not self._is_admin(user_id):
            raise Invalid.of("parameters.priority", "priority_reserved")
        return priority

    def again(self, user_id: int, public_id: str) -> Priority:
        """The priority for a task that has ended. By waiting it may have come to be high, which it is not again."""
        had = self._session.scalar(select(Task.priority).where(Task.public_id == public_id))
        asked = Priority.NORMAL if had is None else Priority(had)
        return asked if asked is not Priority.HIGH or self._is_admin(user_id) else Priority.NORMAL

    def entry(self, user_id: int, queue: str, priority: Priority, kind: Kind, parameters: Parameters) -> Entry:
        """What is known of a task before it joins. Raises QuotaExceeded for a user who has no byte left."""
        self._quotas.refuse_full(user_id)
        forecast = self._forecasts.of(queue)
        work = units(kind, parameters)
        cost = forecast.rates.seconds(parameters.model, kind, work)
        return Entry(user_id, queue, priority, parameters.model, kind, work, cost, forecast)

    def admit(self, entry: Entry) -> dict[str, Any]:
        """What the task's row says of its place. Within a transaction that writes. Raises QueueFull, AccountDisabled.

        The user's row is locked: of several tasks that come at once each is counted, and charged, and none comes after
        its user was disabled.
        """
        facts = select(User.queue_cap, User.disabled_at).where(User.id == entry.user_id).with_for_update()
        user = self._session.execute(facts).one()
        if user.disabled_at:
            raise AccountDisabled
        self._refuse_too_many(entry.user_id, self._queue_cap if user.queue_cap is None else user.queue_cap)
        start = charge(self._session.connection(), entry.user_id, entry.queue, entry.priority, entry.cost)
        return {
            "priority": int(entry.priority),
            "virtual_start": start,
            "units": entry.units,
            "cost": entry.cost,
            "expected_seconds": entry.forecast.expected_at(entry.model, entry.kind, entry.units, start),
        }

    def leave(self, public_id: str) -> None:
        """The task has left the queue without being run, and costs nothing. Within a transaction that writes."""
        place = (Task.user_id, Task.queue, Task.priority, Task.virtual_start, Task.cost)
        task = self._session.execute(select(*place).where(Task.public_id == public_id)).one()
        correct(self._session.connection(), task, -task.cost)

    def _refuse_too_many(self, user_id: int, cap: int) -> None:
        mine = (Task.user_id == user_id, Task.deleted_at.is_(None), Task.status == Status.QUEUED)
        counted = select(func.count()).select_from(Task).where(*mine)
        if cap and (self._session.scalar(counted) or 0) >= cap:
            raise QueueFull(cap)

    def _is_admin(self, user_id: int) -> bool:
        return self._session.scalar(select(User.role).where(User.id == user_id)) == ADMIN
