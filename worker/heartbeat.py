"""The thread that keeps leases and the registry fresh, and sweeps up what other workers left behind.

It also watches the thread that owns the device: a process whose device hangs would keep its tasks for ever.
"""

import os
import sys
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import replace

import structlog
from sqlalchemy.exc import DBAPIError

from shared.tallies import LEASES_LOST
from shared.workers import State, Told
from worker.duty import Duty
from worker.leases import Leases
from worker.pulse import Pulse
from worker.registry import Registry

log = structlog.get_logger(__name__)

STALLED_STATUS = 75  # sysexits.h: a temporary failure; the parent starts the next process


class Heartbeat(threading.Thread):
    """Beats when started, then at each interval until stopped.

    Until it is announced the worker is not in the registry: a process that cannot work must not look alive.
    """

    def __init__(
        self,
        leases: Leases,
        registry: Registry,
        duty: Duty,
        pulse: Pulse,
        told: Callable[[], Told],
        interval: float,
        end: Callable[[int], object] = os._exit,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`told` is what the process has to tell of itself; `end` ends it at once."""
        super().__init__(name="heartbeat", daemon=True)
        self._leases = leases
        self._registry = registry
        self._duty = duty
        self._pulse = pulse
        self._told = told
        self._interval = interval
        self._end = end
        self._clock = clock
        self._stopped = threading.Event()
        self._beat_now = threading.Event()
        self._beating = threading.Lock()
        self._announced = False
        self._took_over = False
        self._forbears_until = 0.0

    def run(self) -> None:
        while not self._stopped.is_set():
            self._beat_now.clear()
            self.beat()
            self._beat_now.wait(self._interval)

    def announce(self) -> None:
        """The process can work: it is registered, and has heard whether it is to take tasks, when this returns."""
        self._announced = True
        self.beat()

    def stop(self) -> None:
        self._stopped.set()
        self._beat_now.set()
        self.join(timeout=self._interval + 5)

    def beat(self) -> None:
        """Renew first: the sweep may take longer. Without the database there is nothing to do but try again."""
        if self._pulse.ceased:
            self._give_up()
            return
        with self._beating:
            self._beat()

    def _beat(self) -> None:
        try:
            self._live()
            self._sweep()
        except DBAPIError as error:
            log.warning("beat_missed", error=type(error).__name__)
        except Exception as error:  # the edge of this thread: without it every lease would run out
            log.error("beat_failed", exc_info=error)

    def _live(self) -> None:
        """After the database was away all of its workers have a lease's length to come back: till then none is dead."""
        try:
            self._leases.renew()
            if self._announced:
                self._duty.draining = self._registry.beat(self._told())
        except DBAPIError:
            self._forbears_until = self._clock() + self._leases.seconds
            raise

    def _sweep(self) -> None:
        claims = self._leases.claims
        if not self._took_over:
            self._registry.succeed()
            if freed := claims.take_over(self._registry.node):
                log.warning("took_over", tasks=freed)
                LEASES_LOST.add("others", value=freed)
            self._took_over = True
        if self._announced:
            self._registry.bury()
        if self._clock() < self._forbears_until:
            return
        expired = claims.expire()
        if expired.requeued or expired.failed:
            log.warning("leases_expired", requeued=expired.requeued, failed=expired.failed)
            LEASES_LOST.add("others", value=expired.requeued + expired.failed)

    def _give_up(self) -> None:
        """The successor frees the tasks; a hung thread could not even be told to give them back."""
        log.critical("worker_stalled", stack=_stack(threading.main_thread()))
        try:
            self._registry.beat(replace(self._told(), state=State.STALLED))
        except DBAPIError as error:
            log.warning("beat_missed", error=type(error).__name__)
        finally:
            self._end(STALLED_STATUS)


def _stack(thread: threading.Thread) -> str:
    """Where it is, without its variables."""
    return "".join(traceback.format_stack(sys._current_frames().get(thread.ident or 0)))
