"""This process's line in the table of live workers."""

import socket

from sqlalchemy import Engine, delete, insert, update

from shared.clock import database_now
from shared.db import write
from shared.models import Worker

GONE_SECONDS = 3600


class Registry:
    """Registers, beats, leaves; forgets workers that vanished long ago."""

    def __init__(self, engine: Engine, worker_id: str, node: str) -> None:
        self.node = node
        self._engine = engine
        self._id = worker_id

    def beat(self) -> None:
        """Be alive now; the first beat registers. Raises DBAPIError."""
        with write(self._engine) as connection:
            beat = update(Worker).where(Worker.id == self._id).values(beat_at=database_now())
            if connection.execute(beat).rowcount:
                return
            first = {"id": self._id, "node": self.node, "host": socket.gethostname()}
            connection.execute(insert(Worker).values(**first, started_at=database_now(), beat_at=database_now()))

    def bury(self) -> None:
        """Remove this node's earlier processes, and whoever has not beaten for long."""
        with write(self._engine) as connection:
            predecessors = (Worker.node == self.node) & (Worker.id != self._id)
            connection.execute(delete(Worker).where(predecessors | (Worker.beat_at < database_now(-GONE_SECONDS))))

    def leave(self) -> None:
        """Be gone at once instead of after a lease's length."""
        with write(self._engine) as connection:
            connection.execute(delete(Worker).where(Worker.id == self._id))
