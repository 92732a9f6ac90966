"""The threads that give tasks to users' providers, beside the one that owns the device."""

import threading
from collections.abc import Sequence

from shared.messages import IO
from worker.job import Jobs

LOOK_SECONDS = 1.0


class IoJobs:
    """So many tasks at the same time; each thread looks for the next one by itself."""

    def __init__(self, jobs: Sequence[Jobs]) -> None:
        self._stopped = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, args=(each,), name=f"io-{number}", daemon=True)
            for number, each in enumerate(jobs)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Look no more; the duty that the jobs share says what becomes of those that run."""
        self._stopped.set()

    def join(self, seconds: float) -> None:
        """Wait until what was given back is given back."""
        for thread in self._threads:
            thread.join(seconds)

    def _run(self, jobs: Jobs) -> None:
        while not self._stopped.is_set():
            if not jobs.look(IO):
                self._stopped.wait(LOOK_SECONDS)
