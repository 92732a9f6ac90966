"""The workers as everybody but they themselves sees them: what they do, and that they are to take no more.

What a worker says of itself, at each beat, stands in its row; what it holds, in the rows of the tasks; whether it lives
is a matter of its last beat. Nobody is asked over the broker.
"""

import socket
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import ColumnElement, or_, select, update
from sqlalchemy.orm import Session

from shared.clock import database_now
from shared.db import writing
from shared.models import Task, Worker
from shared.tallies import Told as Tallies

SHORT = 8  # so many characters of an id are enough to name it by


class State(StrEnum):
    """What a worker is at."""

    LOADING = "loading"  # its first model, or a task's
    IDLE = "idle"
    BUSY = "busy"
    IMPAIRED = "impaired"  # its first model cannot be loaded; takes tasks, of other models too
    DRAINING = "draining"  # finishes what it has, takes no more
    STALLED = "stalled"  # its device hangs: it is about to be replaced
    GONE = "gone"  # gave no sign of life for a lease's length, or is known to be dead


LIVING = frozenset(State) - {State.STALLED, State.GONE}
ABLE = LIVING - {State.DRAINING}


@dataclass(frozen=True)
class Told:
    """What a worker tells of itself; whether it is busy is seen from its tasks."""

    state: State
    models: tuple[str, ...] = ()
    ended: int = 0
    memory: int = 0
    tallies: Tallies = field(default_factory=dict)


@dataclass(frozen=True)
class Seen:
    """One worker. `tasks` are the public ids of what it holds, `busy_since` is when it took the first of them.

    `models` are in its memory, of which it has `memory` bytes; `ended` counts the tasks that it has brought to an end.
    """

    id: str
    node: str
    host: str
    state: State
    models: tuple[str, ...]
    tasks: tuple[str, ...]
    busy_since: datetime | None
    ended: int
    memory: int
    started_at: datetime
    beat_at: datetime
    silent: timedelta


def this_host() -> str:
    """What a worker calls the machine, or the container, that it runs on."""
    return socket.gethostname()


class Workers:
    """The table of workers, by the database's clock."""

    def __init__(self, session: Session, lease_seconds: float) -> None:
        self._session = session
        self._lease = timedelta(seconds=lease_seconds)

    def all(self, host: str | None = None) -> list[Seen]:
        """Those of this host, or of all, the newest last."""
        here = (Worker.host == host,) if host is not None else ()
        found = self._session.execute(
            select(Worker, database_now()).where(*here).order_by(Worker.started_at, Worker.id)
        ).all()
        held = self._held([worker.id for worker, _ in found])
        return [self._seen(worker, now, held[worker.id]) for worker, now in found]

    def count(self) -> dict[State, int]:
        """How many there are in each state."""
        return by_state(self.all())

    def named(self, name: str) -> list[str]:
        """The ids of those that `name` means: an id, a node or a host; of the first two eight characters will do."""
        return list(self._session.scalars(select(Worker.id).where(_named(name))))

    def drain(self, name: str, wanted: bool = True) -> int:
        """Let a worker take no more tasks, or take some again; it hears of it at its next beat.

        Returns how many are meant.
        """
        with writing(self._session):
            named = self.named(name)
            self._session.execute(update(Worker).where(Worker.id.in_(named)).values(drain_requested=wanted))
            return len(named)

    def _held(self, workers: Sequence[str]) -> dict[str, list[tuple[str, datetime | None]]]:
        """The tasks of these workers, and since when."""
        held: dict[str, list[tuple[str, datetime | None]]] = defaultdict(list)
        columns = (Task.worker_id, Task.public_id, Task.started_at)
        for row in self._session.execute(select(*columns).where(Task.worker_id.in_(workers)).order_by(Task.id)):
            held[row.worker_id].append((row.public_id, row.started_at))
        return held

    def _seen(self, worker: Worker, now: datetime, held: Sequence[tuple[str, datetime | None]]) -> Seen:
        silent = now - worker.beat_at
        state = State.GONE if silent > self._lease else State(worker.state)
        return Seen(
            id=worker.id,
            node=worker.node,
            host=worker.host,
            state=State.BUSY if held and state == State.IDLE else state,
            models=tuple(worker.models),
            tasks=tuple(task for task, _ in held),
            busy_since=min((since for _, since in held if since), default=None),
            ended=worker.ended,
            memory=worker.memory,
            started_at=worker.started_at,
            beat_at=worker.beat_at,
            silent=silent,
        )


def by_state(workers: Iterable[Seen]) -> dict[State, int]:
    """How many of these are in each state."""
    counted = Counter(worker.state for worker in workers)
    return {state: counted[state] for state in State}


def _named(name: str) -> ColumnElement[bool]:
    whole = (column == name for column in (Worker.id, Worker.node, Worker.host))
    begins = (column.startswith(name, autoescape=True) for column in (Worker.id, Worker.node))
    return or_(*whole, *(begins if len(name) >= SHORT else ()))
