"""What the parent sees to by itself: that a dead child's tasks wait again at once, and that there is a living one.

Celery takes seconds to notice a death, and the next child some more to start. It replaces none while it waits for the
broker to come back, or if its loop hangs. What else a deaf consumer could miss are hints, and the child looks for tasks
without them.
"""

import os
import signal
import threading
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from datetime import datetime

import psutil
import structlog
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

from shared import db
from shared.claims import Claims
from shared.models import Worker
from shared.settings import Settings
from shared.workers import State

log = structlog.get_logger(__name__)

LOOK_SECONDS = 0.25
CHILDLESS_SECONDS = 5.0
ASK_SECONDS = 10.0
SILENT_SECONDS = 60.0
CHILDLESS_STATUS = 75  # sysexits.h: a temporary failure; whoever started the worker starts it again


class Silence:
    """Which children have not beaten for long though the database would have heard them.

    Counted in looks, not in time: a machine that has slept silenced nobody. One that has not registered yet, since it
    is importing, is not judged.
    """

    def __init__(
        self,
        last_beat: Callable[[int], datetime | None],
        seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`last_beat` is a pid's, if it has a row. Raises DBAPIError."""
        self._last_beat = last_beat
        self._enough = seconds / ASK_SECONDS
        self._clock = clock
        self._due = clock()
        self._seen: dict[int, tuple[datetime | None, int]] = {}

    def of(self, living: Collection[int]) -> list[int]:
        """Those of the living that are to be given up."""
        if self._clock() < self._due:
            return []
        self._due = self._clock() + ASK_SECONDS
        try:
            self._seen = {pid: self._looked_at(pid) for pid in living}
        except DBAPIError as error:
            log.warning("database_away", error=type(error).__name__)
            self._seen = {}
        return [pid for pid, (_, unchanged) in self._seen.items() if unchanged >= self._enough]

    def _looked_at(self, pid: int) -> tuple[datetime | None, int]:
        beat = self._last_beat(pid)
        before, unchanged = self._seen.get(pid, (None, 0))
        return beat, unchanged + 1 if beat is not None and beat == before else 0


class ChildWatch(threading.Thread):
    """Frees what a dead child held and kills one that is as good as dead; another one follows it.

    Ends the parent when it has been without a living one for some seconds.
    """

    def __init__(
        self,
        children: Callable[[], Sequence[int] | None],
        free: Callable[[int], object],
        silent: Callable[[Collection[int]], Collection[int]],
        end: Callable[[int], object] = os._exit,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`children` are their pids, None when there are to be none any more; `free` lets go what a dead one held.

        `silent` are those of the living that do not beat any more, `end` ends this process at once.
        """
        super().__init__(name="child-watch", daemon=True)
        self._children = children
        self._free = free
        self._silent = silent
        self._end = end
        self._clock = clock
        self._seen = clock()
        self._known: set[int] = set()

    def run(self) -> None:
        while self.look_on():
            time.sleep(LOOK_SECONDS)

    def look_on(self) -> bool:
        """`look`, by a thread that nobody would miss if it ended: what goes wrong is for the log."""
        try:
            return self.look()
        except Exception as error:  # the edge of this thread
            log.error("watch_failed", exc_info=error)
            return True

    def look(self) -> bool:
        """Whether to look again."""
        children = self._children()
        if children is None:
            return False
        living = {pid for pid in children if _lives(pid)}
        if living:
            self._seen = self._clock()
        for pid in self._silent(living):
            log.critical("worker_silent", pid=pid)
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
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


def silence(settings: Settings, node: str) -> Silence:
    """Over this node's processes: a beat comes several times in a lease."""
    engine = db.connect(settings.database)

    def last_beat(pid: int) -> datetime | None:
        named = (Worker.node == node, Worker.pid == pid, Worker.state != State.GONE)
        with engine.connect() as connection:
            return connection.scalar(select(Worker.beat_at).where(*named))

    return Silence(last_beat, max(SILENT_SECONDS, 4 * settings.lease_seconds))


def _lives(pid: int) -> bool:
    """One that has ended and is not taken note of does not."""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
