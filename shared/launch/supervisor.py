"""Keeps services running, and stops them in order.

Owns restarts and their back-off. Does not know what the services are: it gets commands.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from shared.launch.child import Child, Command
from shared.launch.console import say
from shared.launch.records import Records
from shared.launch.signals import Signals

TICK = 0.5  # seconds between looks at what sends no signal
STOPPING_TICK = 0.1


@dataclass(frozen=True)
class Backoff:
    """How long to wait before the next start, by how many ends came at once."""

    first: float = 0.5
    longest: float = 30.0
    at_once: float = 10.0
    """A process that ran for less than this many seconds ended at once."""
    alarming: int = 5

    def delay(self, ends_at_once: int) -> float:
        """Seconds; doubles with each end, 0.5 s after the first."""
        return min(self.longest, self.first * 2.0 ** min(ends_at_once - 1, 16))


class Service:
    """A command that is to run for as long as we do, whenever `may_start` agrees."""

    def __init__(self, child: Child, may_start: Callable[[], bool], backoff: Backoff) -> None:
        self.child = child
        self._may_start = may_start
        self._backoff = backoff
        self._ends_at_once = 0
        self._started = -math.inf
        self._due = -math.inf
        self._ended = True

    def tend(self, now: float) -> None:
        """Starts the process when it is due, notes its end."""
        status = self.child.poll()
        if status is not None and not self._ended:
            self._note_end(describe(status), now)
        if not self.child.is_running() and now >= self._due and self._may_start():
            self._start(now)

    def _start(self, now: float) -> None:
        self._started = now
        try:
            self.child.start()
        except OSError as error:  # out of memory or of processes: it may be better later
            self._note_end(str(error), now)
        else:
            self._ended = False

    def _note_end(self, how: str, now: float) -> None:
        lasted = now - self._started
        self._ends_at_once = self._ends_at_once + 1 if lasted < self._backoff.at_once else 1
        delay = self._backoff.delay(self._ends_at_once)
        self._due, self._ended = now + delay, True
        name = self.child.command.name
        say(f"{name} ended after {lasted:.1f} s ({how}): starting it again in {delay:g} s")
        if self._ends_at_once == self._backoff.alarming:
            say(f"{name} keeps ending as soon as it starts: its messages above say why. Trying on")


class Supervisor:
    """The services of one start. Started in the order they are added, stopped in the reverse one."""

    def __init__(self, folder: Path, records: Records, signals: Signals, backoff: Backoff | None = None) -> None:
        self._folder = folder
        self._records = records
        self._signals = signals
        self._backoff = backoff or Backoff()
        self._services: list[Service] = []

    def add(self, command: Command, may_start: Callable[[], bool] = lambda: True) -> None:
        """From now on keeps the command running."""
        child = Child(command, self._folder, self._records)
        self._services.append(Service(child, may_start, self._backoff))

    def run_until(self, done: Callable[[], bool], seconds: float = math.inf) -> bool:
        """Tends the services until `done` or told to stop, at most so long; says whether `done` came true."""
        deadline = time.monotonic() + seconds
        while not self._signals.stops and time.monotonic() < deadline:
            for service in self._services:
                service.tend(time.monotonic())
            if done():
                return True
            self._signals.wait(min(TICK, deadline - time.monotonic()))
        return False

    def run_to_end(self, command: Command) -> int | None:
        """Runs one command meanwhile; its exit status, or None when told to stop before it ended."""
        child = Child(command, self._folder, self._records)
        child.start()
        try:
            self.run_until(lambda: child.poll() is not None)
            return child.poll()
        finally:
            self._stop(child)

    def stop(self) -> None:
        """Stops every service and all that it started. A second stop signal cuts the grace short."""
        if self._signals.stops:
            say(f"stopping ({self._signals.stopped_by})")
        for service in reversed(self._services):
            self._stop(service.child)

    def _stop(self, child: Child) -> None:
        if not child.is_running():
            return
        deadline = time.monotonic() + child.command.grace
        child.terminate()
        while child.poll() is None and time.monotonic() < deadline and self._signals.stops < 2:
            self._signals.wait(STOPPING_TICK)
        if child.poll() is None:
            say(f"{child.command.name} did not stop in time: ending it")
            child.kill()
        while child.poll() is None:
            self._signals.wait(STOPPING_TICK)


def describe(status: int) -> str:
    """An exit status in words; negative is the signal that ended it, as subprocess has it."""
    return f"exit status {status}" if status >= 0 else f"signal {-status}"
