"""One child process: started so that it cannot outlive us unnoticed, watched, ended with all that it started.

Each child leads a session of its own, so that Ctrl-C reaches only the supervisor, which then stops the children in
order. Does not know when a child is to be started again.
"""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from shared.launch.records import Records

PR_SET_PDEATHSIG = 1  # linux/prctl.h


@dataclass(frozen=True)
class Command:
    """What to run, and how long it may take to stop."""

    name: str
    arguments: tuple[str, ...]
    grace: float = 10.0
    output: Path | None = None
    """Where its output goes; None is the terminal."""


class Child:
    """At most one process of a command at a time. To be started from the main thread.

    The kernel's signal at the parent's death really comes at the death of the thread that forked.
    """

    def __init__(self, command: Command, folder: Path, records: Records) -> None:
        self.command = command
        self._folder = folder
        self._records = records
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Starts the process; any earlier one has ended."""
        if self.command.output is None:
            self._spawn(None)
            return
        with self.command.output.open("wb") as output:
            self._spawn(output.fileno())

    def is_running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    def poll(self) -> int | None:
        """The exit status once it has ended; whatever it started itself is then ended too."""
        process = self._process
        if process is None:
            return None
        was_running = process.returncode is None
        status = process.poll()
        if status is not None and was_running:
            _signal_group(process.pid, signal.SIGKILL)
            self._records.remove(self.command.name)
        return status

    def terminate(self) -> None:
        """Asks the process, and not its children, to end."""
        if self._process is not None:
            self._process.terminate()

    def kill(self) -> None:
        """Ends the process and its children."""
        if self._process is not None and self._process.returncode is None:
            _signal_group(self._process.pid, signal.SIGKILL)

    def _spawn(self, output: int | None) -> None:
        self._process = subprocess.Popen(
            self.command.arguments,
            cwd=self._folder,
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            preexec_fn=_end_with_parent(),
        )
        self._records.write(self.command.name, self._process.pid)


def _end_with_parent() -> Callable[[], None] | None:
    """What a child does before it becomes its command, on Linux: asks the kernel for SIGTERM at our death.

    Elsewhere the records tell the next start what to end.
    """
    if sys.platform != "linux":
        return None
    libc, parent = ctypes.CDLL(None, use_errno=True), os.getpid()

    def ask_for_sigterm() -> None:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)  # ours would swallow one that comes before exec
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # died before we asked
            os._exit(1)

    return ask_for_sigterm


def _signal_group(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):  # macOS answers EPERM for a group of zombies
        os.killpg(pid, number)
