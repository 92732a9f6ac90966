"""Wakes whoever waits for a task to change: one thread a process, however many wait.

Progress is heard on the broker's channel, changes of rows are looked for in the database, so that nothing is missed
while the broker is away. Says only that something has changed: what, the row tells.
"""

import math
import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import structlog
from redis.exceptions import RedisError
from sqlalchemy import Engine, select
from sqlalchemy.exc import DBAPIError, TimeoutError

from shared.clock import database_now
from shared.models import Task
from shared.progress import Channel

log = structlog.get_logger(__name__)

LOOK_SECONDS = 1.0
ATTENTION_SECONDS = 10.0  # how long the channel is heard after somebody asked for it
CLOSE_SECONDS = 0.1  # the thread notices within so long that it is to end
OVERLAP = timedelta(seconds=5)  # a transaction may become visible some time after the moment that it wrote
MOST_CHANGES = 5000


def user_key(user_id: int) -> str:
    """The key of everything that a user's tasks do."""
    return f"user:{user_id}"


class Listener:
    """One who waits. `keys` are task ids and user_key()s; it may change them between two waits."""

    def __init__(self, keys: Collection[str]) -> None:
        self.keys = set(keys)
        self._woken: set[str] = set()
        self._condition = threading.Condition()

    def wait(self, seconds: float) -> set[str]:
        """The keys that have changed since the last wait; empty when none did in so many seconds."""
        with self._condition:
            self._condition.wait_for(lambda: self._woken, max(0, seconds))
            woken, self._woken = self._woken, set()
            return woken

    def wake(self, keys: Collection[str]) -> None:
        if found := self.keys.intersection(keys):
            with self._condition:
                self._woken |= found
                self._condition.notify()


class Watch:
    """At most `places` may listen at the same time, so that threads are left for everybody else.

    `heard_since` is the moment of time.monotonic() from which on the channel was heard without a gap, never when it is
    not; `told` is called with each id that it says.
    """

    def __init__(self, channel: Channel, connect: Callable[[], Engine], places: int) -> None:
        self._channel = channel
        self._connect = connect
        self._places = threading.BoundedSemaphore(places)
        self._listeners: set[Listener] = set()
        self._lock = threading.Lock()
        self._needed = threading.Event()
        self._thread: threading.Thread | None = None
        self._attended = -math.inf
        self.heard_since = math.inf
        self.told: Callable[[str], None] = lambda key: None
        self.closed = False

    @contextmanager
    def listen(self, *keys: str) -> Iterator[Listener | None]:
        """Hear of these from now on; None when all places are taken, or the process is about to end."""
        if self.closed or not self._places.acquire(blocking=False):
            yield None
            return
        listener = Listener(keys)
        try:
            self._add(listener)
            yield listener
        finally:
            with self._lock:
                self._listeners.discard(listener)
            self._places.release()

    def attend(self) -> None:
        """Hear the channel for a while, though nobody waits."""
        self._attended = time.monotonic()
        if not self._needed.is_set() and not self.closed:
            with self._lock:
                self._begin()

    def close(self) -> None:
        """The process is about to end: wake everybody, so that they can go. Waits for nothing: a signal may call it."""
        self.closed = True
        self._needed.set()
        for listener in tuple(self._listeners):
            listener.wake(tuple(listener.keys))

    def join(self) -> None:
        """Wait until the thread has gone."""
        if self._thread:
            self._thread.join()

    def _add(self, listener: Listener) -> None:
        with self._lock:
            self._listeners.add(listener)
            self._begin()

    def _begin(self) -> None:
        self._needed.set()
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="watch", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        changes = Changes(self._connect())
        while not self.closed:
            if not self._is_needed():
                self._pause()
            self._hear()
            if self._listeners:
                self._wake(changes.seen())
            else:
                changes.forget()
        self._channel.close()
        changes.close()

    def _is_needed(self) -> bool:
        return bool(self._listeners) or time.monotonic() - self._attended < ATTENTION_SECONDS

    def _pause(self) -> None:
        """Until somebody needs it again."""
        self._needed.clear()
        if not self._is_needed():  # still: who came in between may have found it set
            self.heard_since = math.inf
            self._channel.close()
            self._needed.wait()

    def _hear(self) -> None:
        """Pass on what the channel says until it is time to look at the database again."""
        ends = time.monotonic() + LOOK_SECONDS
        while not self.closed and (left := ends - time.monotonic()) > 0:
            try:
                heard = self._channel.hear(min(left, CLOSE_SECONDS))
            except RedisError as error:
                self.heard_since = math.inf
                log.debug("channel_away", error=type(error).__name__)
                time.sleep(left)
                continue
            self.heard_since = min(self.heard_since, time.monotonic())
            if heard:
                self.told(heard)
                self._wake({heard})

    def _wake(self, keys: set[str]) -> None:
        with self._lock:
            listeners = tuple(self._listeners) if keys else ()
        for listener in listeners:
            listener.wake(keys)


class Changes:
    """Which rows have changed since the last look."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._since: datetime | None = None
        self._known: dict[str, datetime] = {}

    def seen(self) -> set[str]:
        """The keys of what has changed; empty while the database is away."""
        try:
            return self._look()
        except (DBAPIError, TimeoutError) as error:
            log.warning("database_away", error=type(error).__name__)
            return set()

    def forget(self) -> None:
        """Nobody has listened for a while: begin anew."""
        self._since = None

    def close(self) -> None:
        self._engine.dispose()

    def _look(self) -> set[str]:
        with self._engine.connect() as connection:
            if self._since is None:
                self._since = connection.scalar(select(database_now())) or datetime.now(UTC)
            changed = select(Task.public_id, Task.user_id, Task.updated_at).where(
                Task.updated_at >= self._since - OVERLAP
            )
            rows = connection.execute(changed.order_by(Task.updated_at.desc()).limit(MOST_CHANGES)).all()
        fresh = [row for row in rows if self._known.get(row.public_id) != row.updated_at]
        self._known = {row.public_id: row.updated_at for row in rows}
        if rows:
            self._since = max(self._since, rows[0].updated_at)
        return {key for row in fresh for key in (row.public_id, user_key(row.user_id))}
