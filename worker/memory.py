"""How much memory this process has, and when that is too much."""

from collections.abc import Callable

import psutil

from worker.duty import Duty
from worker.leases import Leases

MEGABYTE = 1_000_000


def resident() -> int:
    """The bytes of this process that are in memory."""
    return int(psutil.Process().memory_info().rss)


class Memory:
    """At most so many megabytes; 0 is no limit."""

    def __init__(self, limit: int, leases: Leases, duty: Duty, size: Callable[[], int] = resident) -> None:
        self._limit = limit * MEGABYTE
        self._leases = leases
        self._duty = duty
        self._size = size

    def is_outgrown(self) -> bool:
        """Whether the process is to start anew, now that it has nothing to do.

        Not before its first task: a limit below what the model alone needs must not make it start again and again.
        """
        if not self._limit or not self._leases.ended or not self._leases.none or not self._duty.claims:
            return False
        return self._size() > self._limit
