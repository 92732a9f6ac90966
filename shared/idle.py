"""Connections that are kept between two uses: for what is asked often, a pool's way would be most of the cost."""

from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

Connection = TypeVar("Connection")


class Idle(Generic[Connection]):
    """Connections of a pool, for all threads of a process; they count as in use there."""

    def __init__(self, connect: Callable[[], Connection]) -> None:
        """`connect` is the pool's way."""
        self._connect = connect
        self._kept: deque[Connection] = deque()

    def take(self) -> Connection:
        """One for this thread alone: the last one that was kept, else the pool's."""
        kept = self.spare()
        return self._connect() if kept is None else kept

    def keep(self, connection: Connection) -> None:
        """Have it ready; it has answered all that it was asked."""
        self._kept.append(connection)

    def spare(self) -> Connection | None:
        """One that is kept, which is to be given back to the pool; None when none is."""
        try:
            return self._kept.pop()
        except IndexError:
            return None
