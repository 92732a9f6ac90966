"""How generation tasks stand: what polls, streams and lists ask, which is most of all that is asked."""

import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from sqlalchemy import Row, func, select

from backend.reads import Reads
from backend.services.forecasts import Forecasts
from backend.services.generation import Eta, Generation, generation, revision
from backend.services.links import Links
from backend.services.recent import RecentProgress
from backend.services.task_rows import TaskRows, own
from backend.services.tokens import TokenClaims
from shared.clock import now
from shared.lifecycle import Status
from shared.models import Task
from shared.progress import Progress


@dataclass(frozen=True)
class Found:
    """Several tasks of a user. Most who ask know their `revision` already: the tasks are read when they are told."""

    revision: str
    asked: Sequence[str]
    read: Callable[[], Mapping[str, Generation]]

    @cached_property
    def tasks(self) -> tuple[Generation, ...]:
        """In the order of asking; at least as new as the revision."""
        found = self.read()
        return tuple(found[name] for name in self.asked if name in found)

    @property
    def not_found(self) -> tuple[str, ...]:
        """The ids that are none of the user's tasks."""
        found = {task.public_id for task in self.tasks}
        return tuple(name for name in self.asked if name not in found)


class Tasks:
    """The tasks of all users; each method takes whose they are. Somebody else's task is NotFound, as an unknown one."""

    def __init__(
        self, reads: Reads, rows: TaskRows, progress: RecentProgress, links: Links, forecasts: Forecasts
    ) -> None:
        self._reads = reads
        self._rows = rows
        self._progress = progress
        self._links = links
        self._forecasts = forecasts

    def find(self, user_id: int, public_id: str) -> Generation:
        """How the task stands now."""
        return self._described([self._rows.find(user_id, public_id)])[0]

    def find_claimed(
        self, claims: TokenClaims, public_id: str, known: Callable[[], Collection[str]] = tuple
    ) -> Generation:
        """The same for who has a token of which nobody has asked yet whether it counts, and knows some revisions.

        Raises TokenRevoked.
        """
        row = self._rows.find_claimed(claims, public_id)
        progress = self._progress.recall(public_id, row.fence) if row.status == Status.PROCESSING else None
        if progress and (found := self._one(row, progress)).revision in known():
            return found
        return self._described([row])[0]

    def find_all(self, user_id: int, public_ids: Sequence[str]) -> dict[str, Generation]:
        """Those of these tasks that are the user's, by id."""
        return {found.public_id: found for found in self._described(self._rows.find_all(user_id, public_ids))}

    def look_up(self, user_id: int, public_ids: Sequence[str]) -> Found:
        """How all of these stand."""
        rows = self._rows.standings(user_id, public_ids)
        known = self._progress_of(rows)
        stand = {row.public_id: self._revision(row, known.get(row.public_id)) for row in rows}
        text = "\n".join(f"{name} {stand.get(name, '')}" for name in public_ids)
        digest = hashlib.sha256(text.encode()).hexdigest()[:32]
        return Found(digest, public_ids, lambda: self.find_all(user_id, public_ids))

    def unfinished(self, user_id: int, limit: int) -> list[Generation]:
        """The user's tasks that wait or run, the oldest first."""
        waiting = Task.status.in_([Status.QUEUED, Status.PROCESSING])
        return self._described(self._reads.all(own(user_id).where(waiting).order_by(Task.id).limit(limit)))

    def latest_change(self, user_id: int) -> datetime:
        """When one of the user's tasks last changed."""
        latest = select(func.max(Task.updated_at)).where(Task.user_id == user_id)
        return self._reads.scalar(latest) or now()

    def changed_since(self, user_id: int, moment: datetime, limit: int) -> list[Generation]:
        """The user's tasks that have changed since then, the oldest change first; all of the last moment's."""
        changed = own(user_id).where(Task.updated_at >= moment)
        ends = select(Task.updated_at).where(Task.user_id == user_id, Task.updated_at >= moment)
        last = self._reads.scalar(ends.order_by(Task.updated_at).offset(limit - 1).limit(1))
        bounded = changed if last is None else changed.where(Task.updated_at <= last)
        return self._described(self._reads.all(bounded.order_by(Task.updated_at)))

    def _described(self, rows: Sequence[Row[Any]]) -> list[Generation]:
        known = self._progress_of(rows)
        return [self._one(row, known.get(row.public_id)) for row in rows]

    def _one(self, row: Row[Any], progress: Progress | None) -> Generation:
        return generation(row, self._links, progress, row.queue_position, self._eta(row, progress))

    def _revision(self, row: Row[Any], progress: Progress | None) -> str:
        return revision(row, self._links, progress, row.queue_position, self._eta(row, progress))

    def _progress_of(self, rows: Sequence[Row[Any]]) -> dict[str, Progress]:
        return self._progress.read_all({row.public_id: row.fence for row in rows if row.status == Status.PROCESSING})

    def _eta(self, row: Any, progress: Progress | None) -> Eta | None:
        if row.status == Status.QUEUED:
            return self._forecasts.of(row.queue).waiting(row)
        return self._forecasts.of(row.queue).running(row, progress) if row.status == Status.PROCESSING else None
