"""Signals as something to wait for.

Owns the handlers and the pipe that wakes the waiting. Does not know what stopping means.
"""

import select
import signal
import socket
from types import TracebackType
from typing import Self

STOPPING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Signals:
    """While entered, stop signals are counted instead of obeyed, and they and a child's end wake `wait`.

    Only for the main thread.
    """

    def __init__(self) -> None:
        self.stops = 0
        self.stopped_by = ""
        self._reader, self._writer = socket.socketpair()
        self._before: dict[int, object] = {}

    def __enter__(self) -> Self:
        self._reader.setblocking(False)
        self._writer.setblocking(False)
        signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
        for number in STOPPING:
            if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:  # nohup stays in force
                self._before[number] = signal.signal(number, self._count)
        self._before[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, _wake)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, traceback: TracebackType | None) -> None:
        signal.set_wakeup_fd(-1)
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]  # what signal.signal itself returned
        self._reader.close()
        self._writer.close()

    def wait(self, seconds: float) -> None:
        """Returns after that long, or at once when a signal has come since the last wait."""
        if select.select([self._reader], [], [], max(seconds, 0))[0]:
            self._reader.recv(4096)

    def _count(self, number: int, _frame: object) -> None:
        self.stopped_by = self.stopped_by or signal.Signals(number).name
        # A terminal that closes may tell us twice (the kernel and the shell); that is not a person in a hurry.
        self.stops = max(self.stops, 1) if number == signal.SIGHUP else self.stops + 1


def _wake(_number: int, _frame: object) -> None:
    """The byte in the wake-up pipe is all that is needed, and Python writes it only when there is a handler."""
