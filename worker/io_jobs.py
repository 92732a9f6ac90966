"""The threads that give tasks to users' providers, beside the one that owns the device."""

import threading
from collections.abc import Callable, Sequence

import structlog
from sqlalchemy.exc import DBAPIError

from shared.messages import IO
from worker.job import Jobs

log = structlog.get_logger(__name__)

LOOK_SECONDS = 1.0


class IoJobs:
    """So many tasks at the same time; each thread looks for the next one by itself."""

    def __init__(self, jobs: Sequence[Jobs]) -> None:
        self._jobs = jobs
        self._stopped = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, args=(each,), name=f"io-{number}", daemon=True)
            for number, each in enumerate(jobs)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Give back what runs and claim nothing more. Safe in a signal handler."""
        self._stopped.set()
        for jobs in self._jobs:
            jobs.stop()

    def join(self, seconds: float) -> None:
        """Wait until what was given back is given back."""
        for thread in self._threads:
            thread.join(seconds)

    def _run(self, jobs: Jobs) -> None:
        while not self._stopped.is_set():
            self._try(lambda: jobs.work(IO))
            self._stopped.wait(LOOK_SECONDS)

    def _try(self, work: Callable[[], None]) -> None:
        try:
            work()
        except DBAPIError as error:
            log.warning("database_away", error=type(error).__name__)
        except Exception as error:  # the edge of this thread: without it nobody would look any more
            log.error("io_failed", exc_info=error)
