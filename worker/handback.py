"""What a process that is to end still holds goes back into the queue, as if it had never been taken.

The device's thread does so at its next step. When none comes in time, since a model is loading or a step is long, a
thread beside it does: the fences make sure that nothing comes of what still runs.
"""

import os
import signal
import threading
import time
from collections.abc import Callable, Collection

import structlog
from sqlalchemy.exc import DBAPIError

from shared.claims import Claim
from worker.leases import Leases
from worker.registry import Registry

log = structlog.get_logger(__name__)

PATIENCE_SECONDS = 3.0
RETRY_SECONDS = 0.25
GRACE_SECONDS = 8.0  # with the patience well below what start.sh and Compose give a worker to stop


def give_back(leases: Leases, claimed: Collection[Claim] | None = None) -> None:
    """These, or all that is held; tried again while the database is locked or away. What then is still held stays so.

    Its lease runs out, or whoever finds this process dead frees it.
    """
    ends = time.monotonic() + PATIENCE_SECONDS
    while claimed is not None or not leases.none:
        try:
            log.info("given_back", count=leases.give_back(claimed))
            return
        except DBAPIError as error:
            log.warning("database_away", error=type(error).__name__)
            if time.monotonic() > ends:
                return
            time.sleep(RETRY_SECONDS)


def leave(leases: Leases, registry: Registry) -> None:
    """Out of the registry, but not with something in hand: by this worker's row its parent finds and frees it."""
    give_back(leases)
    if not leases.none:
        return
    try:
        registry.leave()
    except DBAPIError as error:
        log.warning("database_away", error=type(error).__name__)


class LastCall(threading.Thread):
    """Hears the stop signal whatever the main thread is at, and ends the process when that does not do so in time."""

    def __init__(
        self,
        number: signal.Signals,
        stop: Callable[[], object],
        leave: Callable[[], object],
        grace: float = GRACE_SECONDS,
        end: Callable[[int], object] = os._exit,
    ) -> None:
        """`stop` is called at the signal, `leave` and `end` so many seconds later."""
        super().__init__(name="last-call", daemon=True)
        self._number = number
        self._take_no_more = stop
        self._leave = leave
        self._grace = grace
        self._end = end
        self._heard, self._told = os.pipe()

    def listen(self) -> None:
        """From now on. In the main thread: a handler of Python's waits for that one, this pipe does not."""
        os.set_blocking(self._told, False)
        signal.set_wakeup_fd(self._told, warn_on_full_buffer=False)
        self.start()

    def run(self) -> None:
        while self._number not in os.read(self._heard, 64):
            pass
        self._take_no_more()
        time.sleep(self._grace)
        log.warning("stop_overdue", seconds=self._grace)
        try:
            self._leave()
        finally:
            self._end(0)
