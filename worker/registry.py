"""This process's line in the table of workers."""

import os

from sqlalchemy import Engine, delete, func, insert, select, update

from shared.clock import database_now
from shared.db import write
from shared.models import Worker
from shared.workers import State, Told, this_host

GONE_SECONDS = 3600


class Registry:
    """Registers, beats, leaves; forgets workers that vanished long ago."""

    def __init__(self, engine: Engine, worker_id: str, node: str) -> None:
        self.node = node
        self._engine = engine
        self._id = worker_id
        self._predecessors = (Worker.node == node) & (Worker.id != worker_id)

    def beat(self, told: Told) -> bool:
        """Be alive now; the first beat registers. True when this worker is to take no more. Raises DBAPIError."""
        said = {"state": told.state, "models": list(told.models), "ended": told.ended, "memory": told.memory}
        said["tallies"] = told.tallies
        mine = Worker.id == self._id
        with write(self._engine) as connection:
            if not connection.execute(update(Worker).where(mine).values(**said, beat_at=database_now())).rowcount:
                inherited = connection.scalar(select(func.max(Worker.drain_requested)).where(self._predecessors))
                named = {"id": self._id, "node": self.node, "host": this_host(), "pid": os.getpid()}
                since = {"started_at": database_now(), "beat_at": database_now()}
                connection.execute(insert(Worker).values(**named, **since, **said, drain_requested=bool(inherited)))
            return bool(connection.scalar(select(Worker.drain_requested).where(mine)))

    def succeed(self) -> None:
        """This node's earlier processes are dead, and their rows are to say so."""
        with write(self._engine) as connection:
            dead = update(Worker).where(self._predecessors, Worker.state != State.STALLED)
            connection.execute(dead.values(state=State.GONE))

    def bury(self) -> None:
        """Remove this node's earlier processes, and whoever has not beaten for long."""
        with write(self._engine) as connection:
            forgotten = Worker.beat_at < database_now(-GONE_SECONDS)
            connection.execute(delete(Worker).where(self._predecessors | forgotten))

    def leave(self) -> None:
        """Be gone at once instead of after a lease's length."""
        with write(self._engine) as connection:
            connection.execute(delete(Worker).where(Worker.id == self._id))
