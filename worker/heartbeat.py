"""The thread that keeps leases and the registry fresh, and sweeps up what other workers left behind."""

import threading

import structlog
from sqlalchemy.exc import DBAPIError

from shared.messages import QUEUES, Wake
from shared.queue import Queue
from worker.leases import Leases
from worker.registry import Registry

log = structlog.get_logger(__name__)

RING_AFTER_SECONDS = 3.0


class Heartbeat(threading.Thread):
    """Beats when started, then at each interval until stopped.

    Until it is announced the worker is not in the registry: a process that cannot work must not look alive.
    """

    def __init__(self, leases: Leases, registry: Registry, queue: Queue, interval: float) -> None:
        super().__init__(name="heartbeat", daemon=True)
        self._leases = leases
        self._registry = registry
        self._queue = queue
        self._interval = interval
        self._stopped = threading.Event()
        self._beat_now = threading.Event()
        self._announced = False
        self._took_over = False

    def run(self) -> None:
        while not self._stopped.is_set():
            self._beat_now.clear()
            self.beat()
            self._beat_now.wait(self._interval)

    def announce(self) -> None:
        """The process can work: from now on it is registered."""
        self._announced = True
        self._beat_now.set()

    def stop(self) -> None:
        self._stopped.set()
        self._beat_now.set()
        self.join(timeout=self._interval + 5)

    def beat(self) -> None:
        """Renew first: the sweep may take longer. Without the database there is nothing to do but try again."""
        try:
            self._leases.renew()
            if self._announced:
                self._registry.beat()
            self._sweep()
        except DBAPIError as error:
            log.warning("beat_missed", error=type(error).__name__)
        except Exception as error:  # the edge of this thread: without it every lease would run out
            log.error("beat_failed", exc_info=error)

    def _sweep(self) -> None:
        claims = self._leases.claims
        if not self._took_over:
            if freed := claims.take_over(self._registry.node):
                log.warning("took_over", tasks=freed)
            self._took_over = True
        self._registry.bury()
        expired = claims.expire()
        if expired.requeued or expired.failed:
            log.warning("leases_expired", requeued=expired.requeued, failed=expired.failed)
        for queue in QUEUES:
            if claims.waiting(queue, RING_AFTER_SECONDS):
                self._queue.ring(Wake(queue))
