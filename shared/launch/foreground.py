"""Runs one command to its end in the foreground.

Owns that nothing of the command outlives the launcher. Does not know what the command does.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

INTERRUPT_GRACE = 10.0  # seconds for pip to remove what it was downloading


@dataclass(frozen=True)
class Finished:
    """How a command ended, and what it wrote to standard error."""

    status: int
    errors: str = ""

    @property
    def ok(self) -> bool:
        return self.status == 0

    @property
    def disk_full(self) -> bool:
        return "No space left on device" in self.errors


class Runner(Protocol):
    """Runs a command to its end; tests give a fake."""

    def __call__(self, arguments: Sequence[str], *, show_errors: bool = True) -> Finished: ...


@dataclass(frozen=True)
class Foreground:
    """Runs commands in one folder, each in a process group of its own, ended with us.

    `hold` is a file descriptor that the command inherits: a lock on it lasts until the command has ended,
    even if we are killed meanwhile.
    """

    folder: Path
    hold: int | None = None

    def __call__(self, arguments: Sequence[str], *, show_errors: bool = True) -> Finished:
        with subprocess.Popen(
            list(arguments),
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,
            pass_fds=() if self.hold is None else (self.hold,),
        ) as process:
            try:
                errors = _read(process, show_errors)
            except BaseException:
                _interrupt(process)
                raise
        return Finished(process.returncode, errors)


def stop_on_sigterm() -> None:
    """Makes SIGTERM and SIGHUP unwind the stack, as Ctrl-C does."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # nohup stays in force
            signal.signal(number, _leave)


def _leave(number: int, _frame: object) -> None:
    raise SystemExit(128 + number)


def _read(process: subprocess.Popen[str], show: bool) -> str:
    lines: list[str] = []
    for line in process.stderr or ():
        lines.append(line)
        if show:
            sys.stderr.write(line)
    process.wait()
    return "".join(lines)


def _interrupt(process: subprocess.Popen[str]) -> None:
    for number in (signal.SIGINT, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
            process.wait(INTERRUPT_GRACE)
        except (ProcessLookupError, PermissionError):  # macOS answers EPERM for a group of zombies
            return
        except subprocess.TimeoutExpired:
            continue
