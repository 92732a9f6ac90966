"""Which of the tasks that wait a worker takes next: the fairest, its batch, and what may come before it."""

import time
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import Connection, Row, Select, func, select

from shared.generation import Shape
from shared.models import Task, User
from shared.queue_order import lock, running, waiting

LOOK_AHEAD = 64
LOOKS = 3
OF_THE_BATCH = (Task.batch_key, Task.model, Task.width, Task.height)
LOOKED_AT = (Task.id, Task.user_id, Task.attempt, *OF_THE_BATCH, Task.priority, Task.virtual_start, Task.cost)


@dataclass(frozen=True)
class QueueRules:
    """`running_cap` tasks of a user who has no cap of their own run at a time in one queue (0: any number).

    A task that came to be the fairest gives way to others of a model that is loaded for up to `warm_seconds`; one that
    has waited for `lift_seconds` behind a more urgent one counts as the next priority up.
    """

    running_cap: int = 0
    warm_seconds: float = 10.0
    lift_seconds: float = 600.0


RULES = QueueRules()


@dataclass(frozen=True)
class Turn:
    """The tasks that are to be claimed, locked. The queue's clock then shows the fairest task's time."""

    ids: Sequence[int]
    priority: int
    virtual_time: float


class Turns:
    """The turns of one worker, which remembers since when it has passed over whom."""

    def __init__(self, rules: QueueRules, clock: Callable[[], float] = time.monotonic) -> None:
        self.rules = rules
        self._clock = clock
        self._passed_over: dict[int, float] = {}
        self._left_to_others: dict[int, float] = {}

    def leave_to_others(self, task: int, seconds: float) -> None:
        """This worker could not do it: another one has so many seconds to take it first."""
        self._left_to_others[task] = self._clock() + seconds

    def take(
        self, connection: Connection, queue: str, limit: Callable[[Shape], int], loaded: Collection[str]
    ) -> Turn | None:
        """The next turn; where others were faster with all of its tasks, the one after it. None when none waits."""
        now = self._clock()
        self._left_to_others = {task: until for task, until in self._left_to_others.items() if until > now}
        tried = set(self._left_to_others)
        for _ in range(LOOKS):
            rows = self._look(connection, queue, tried)
            if not rows:
                return None
            together, size = self.together(rows, limit, loaded)
            if ids := _locked(connection, self._within_cap(connection, queue, together), size):
                return Turn(ids, rows[0].priority, rows[0].virtual_start)
            tried |= {row.id for row in together}
        return None

    def together(
        self, rows: Sequence[Any], limit: Callable[[Shape], int], loaded: Collection[str]
    ) -> tuple[Sequence[Any], int]:
        """The tasks of one call, and how many are wanted: half of them, since others look too.

        `rows` wait, the fairest first. They are of one priority, and at most a full batch ahead of their turn: else
        whoever waits with many tasks would ride along in every call. A task that was tried before is alone in its call.
        """
        lead = self._lead(rows, loaded)
        size = limit(Shape(lead.model, lead.width, lead.height))
        if lead.attempt:  # it may have killed the worker that had it: nobody else's task dies with it again
            return [lead], 1
        reach = lead.virtual_start + size * lead.cost
        alike = [row for row in rows if row.batch_key == lead.batch_key and row.priority == lead.priority]
        return [row for row in alike if row.virtual_start <= reach and not row.attempt][: 2 * size], size

    def _look(self, connection: Connection, queue: str, tried: Collection[int]) -> Sequence[Row[Any]]:
        """The fairest first, without those whose users have as many running as they may, which one query says."""
        chosen = _chosen(queue, self.rules.running_cap)
        return connection.execute(chosen.where(Task.id.not_in(tried)) if tried else chosen).all()

    def _within_cap(self, connection: Connection, queue: str, rows: Sequence[Row[Any]]) -> Sequence[Row[Any]]:
        """Without those beyond their users' cap, whose rows are locked: nobody else counts at the same time."""
        capped = {row.user_id for row in rows if row.cap}
        if not capped:
            return rows
        connection.execute(select(User.id).where(User.id.in_(capped)).order_by(User.id).with_for_update())
        return within_caps(rows, Counter(dict(connection.execute(running(queue)).all())))

    def _lead(self, rows: Sequence[Any], loaded: Collection[str]) -> Any:
        """The fairest, or the first that needs no other model while the fairest has not given way for too long."""
        fairest, now = rows[0], self._clock()
        seen = {row.id for row in rows}
        self._passed_over = {task: since for task, since in self._passed_over.items() if task in seen}
        if not loaded or fairest.model in loaded:
            return fairest
        if now - self._passed_over.setdefault(fairest.id, now) >= self.rules.warm_seconds:
            return fairest
        warm = (row for row in rows if row.model in loaded and row.priority == fairest.priority)
        return next(warm, fairest)


@cache
def _chosen(queue: str, cap: int) -> Select[Any]:
    """Written once: that takes longer than to execute it."""
    caps = func.coalesce(User.running_cap, cap)
    busy = running(queue).subquery()
    full = select(User.id).select_from(busy).join(User, User.id == busy.c.user_id)
    full = full.where(caps > 0, busy.c.running >= caps).prefix_with("STRAIGHT_JOIN", dialect="mysql")
    own = select(caps).where(User.id == Task.user_id).scalar_subquery().label("cap")
    return waiting(*LOOKED_AT, own, queue=queue).where(Task.user_id.not_in(full)).limit(LOOK_AHEAD)


def within_caps(rows: Sequence[Any], taken: Counter[int]) -> list[Any]:
    """Those of `rows` that their users may have beside the `taken` ones, which then have them too."""
    allowed = []
    for row in rows:
        if not row.cap or taken[row.user_id] < row.cap:
            taken[row.user_id] += 1
            allowed.append(row)
    return allowed


def _locked(connection: Connection, rows: Sequence[Row[Any]], size: int) -> list[int]:
    """Up to `size` of these that nobody else has locked, in their order; no others are locked."""
    ids: list[int] = []
    left = [row.id for row in rows]
    while left and len(ids) < size:
        wanted, left = left[: size - len(ids)], left[size - len(ids) :]
        ids += lock(connection, wanted)
    return ids
