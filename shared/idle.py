"""Connections that are kept between two uses: for what is asked often, a pool's way would be most of the cost."""

from collections import deque
from collections.abc import Callable, Iterator
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
        try:
            return self._kept.pop()
        except IndexError:
            return self._connect()

    def keep(self, connection: Connection) -> None:
        """Have it ready; it has answered all that it was asked."""
        self._kept.append(connection)

    def give_up(self) -> Iterator[Connection]:
        """All that are kept, for the last time."""
        while self._kept:
            yield self._kept.pop()
