"""Generation tasks: taking orders and telling how they stand."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from shared.catalog import Catalog
from shared.clock import now
from shared.db import writing
from shared.errors import Invalid, NotFound
from shared.generation import SEED_LIMIT, Kind
from shared.lifecycle import Status
from shared.messages import Wake
from shared.models import Task
from shared.progress import Progress, ProgressBoard
from shared.queue import Queue

SOON_MS, LATER_MS = 500, 5000


@dataclass(frozen=True, kw_only=True)
class Order:
    """What somebody asks for; `requested` holds only the parameters that were given."""

    kind: Kind
    prompt: str
    requested: Mapping[str, Any] = field(default_factory=dict)
    references: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Generation:
    """A task as its owner may see it. `queue_position` is 1 for the next one; `progress` is None unless it is known."""

    public_id: str
    kind: Kind
    status: Status
    prompt: str
    parameters: Mapping[str, Any]
    attempt: int
    error_code: str | None
    result_names: tuple[str, ...]
    queue_position: int | None
    progress: Progress | None
    created_at: datetime
    finished_at: datetime | None

    @property
    def next_poll_ms(self) -> int | None:
        """When it pays to ask again: soon while it runs, later far back in the queue, never once it has ended."""
        if self.status in {Status.COMPLETED, Status.FAILED}:
            return None
        return min(SOON_MS * (self.queue_position or 1), LATER_MS)


class Generations:
    """The tasks of all users; each method takes whose they are."""

    def __init__(
        self,
        session: Session,
        catalog: Catalog,
        queue: Queue,
        progress: ProgressBoard,
        prompt_max_length: int,
    ) -> None:
        self._session = session
        self._catalog = catalog
        self._queue = queue
        self._progress = progress
        self._prompt_max_length = prompt_max_length

    def submit(self, user_id: int, order: Order) -> Generation:
        """Queue a task. The committed row is the promise; the hint after it may be lost. Raises Invalid."""
        if len(order.prompt) > self._prompt_max_length:
            raise Invalid.field("prompt", "string_too_long", f"must have at most {self._prompt_max_length} characters")
        model = self._catalog.choose(order.kind, order.requested.get("model"))
        if order.references:
            raise Invalid.field("images", "unexpected_images", f"{order.kind.value} takes no reference images")
        parameters = model.fit(order.requested, seed=secrets.randbelow(2**32))
        if parameters.seed + parameters.num_images > SEED_LIMIT:
            raise Invalid.field(
                "parameters.seed", "out_of_range", f"must be below {SEED_LIMIT - parameters.num_images}"
            )
        task = Task(
            public_id=f"task_{secrets.token_hex(10)}",
            user_id=user_id,
            kind=order.kind,
            status=Status.QUEUED,
            queue=Wake().queue,
            model=model.id,
            prompt=order.prompt,
            parameters=parameters.as_dict(),
            batch_key=parameters.batch_key(order.kind),
            fence=0,
            attempt=0,
            created_at=now(),
        )
        with writing(self._session):
            self._session.add(task)
        submitted = self.find(user_id, task.public_id)
        self._session.rollback()  # the connection goes back before the broker is spoken to
        self._queue.send(Wake())
        return submitted

    def find(self, user_id: int, public_id: str) -> Generation:
        """Raises NotFound for a task that is nowhere or somebody else's."""
        task = self._session.scalar(select(Task).where(Task.public_id == public_id, Task.user_id == user_id))
        if task is None:
            raise NotFound(public_id)
        running = task.status == Status.PROCESSING
        return Generation(
            public_id=task.public_id,
            kind=Kind(task.kind),
            status=Status(task.status),
            prompt=task.prompt,
            parameters=task.parameters,
            attempt=task.attempt,
            error_code=task.error_code,
            result_names=tuple(result["name"] for result in task.results or ()),
            queue_position=self._position(task) if task.status == Status.QUEUED else None,
            progress=self._progress.read(task.public_id, task.fence) if running else None,
            created_at=task.created_at,
            finished_at=task.finished_at,
        )

    def _position(self, task: Task) -> int:
        ahead = (Task.status == Status.QUEUED, Task.queue == task.queue, Task.id <= task.id)
        return self._session.scalar(select(func.count()).select_from(Task).where(*ahead)) or 1
