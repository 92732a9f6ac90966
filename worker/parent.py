"""What the parent sees to by itself: that a dead child's tasks wait again at once, and that there is a child.

Celery takes seconds to notice a death, and the next child some more to start. It replaces none while it waits for the
broker to come back, or if its loop hangs. What else a deaf consumer could miss are hints, and the child looks for tasks
without them.
"""

import os
import threading
import time
from collections.abc import Callable, Sequence

import psutil
import structlog
from sqlalchemy.exc import DBAPIError

from shared import db
from shared.claims import Claims
from shared.settings import Settings

log = structlog.get_logger(__name__)

LOOK_SECONDS = 0.25
CHILDLESS_SECONDS = 5.0
CHILDLESS_STATUS = 75  # sysexits.h: a temporary failure; whoever started the worker starts it again


class ChildWatch(threading.Thread):
    """Frees what a dead child held; ends the parent when it has been without a living one for some seconds."""

    def __init__(
        self,
        children: Callable[[], Sequence[int] | None],
        free: Callable[[int], object],
        end: Callable[[int], object] = os._exit,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`children` are their pids, None when there are to be none any more; `free` lets go what a dead one held.

        `end` ends this process at once.
        """
        super().__init__(name="child-watch", daemon=True)
        self._children = children
        self._free = free
        self._end = end
        self._clock = clock
        self._seen = clock()
        self._known: set[int] = set()

    def run(self) -> None:
        while self.look():
            time.sleep(LOOK_SECONDS)

    def look(self) -> bool:
        """Whether to look again."""
        children = self._children()
        if children is None:
            return False
        living = {pid for pid in children if _lives(pid)}
        if living:
            self._seen = self._clock()
        self._known = living | {pid for pid in self._known - living if not self._freed(pid)}
        if self._clock() - self._seen <= CHILDLESS_SECONDS:
            return True
        log.critical("worker_childless", seconds=round(self._clock() - self._seen, 1))
        self._end(CHILDLESS_STATUS)
        return False

    def _freed(self, pid: int) -> bool:
        """False while the database is away: the next look tries again."""
        try:
            self._free(pid)
        except DBAPIError as error:
            log.warning("database_away", error=type(error).__name__)
            return False
        return True


def freeing(settings: Settings, node: str) -> Callable[[int], None]:
    """Puts what this node's process of a pid held back into the queue."""
    claims = Claims(db.connect(settings.database), node, settings.lease_seconds, settings.max_attempts)

    def free(pid: int) -> None:
        if freed := claims.take_over(node, pid):
            log.warning("child_died", pid=pid, tasks=freed)

    return free


def _lives(pid: int) -> bool:
    """One that has ended and is not taken note of does not."""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
