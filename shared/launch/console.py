"""What the launcher and the commands say to the person at the terminal, and how they give up.

Owns the prefix and the single line. Does not know what the children write: they have the terminal themselves.
"""

import os
import sys


class Refused(Exception):
    """The launch, or a command, cannot go on; the message says in one line what to do about it."""

    def __init__(self, message: str, status: int = 1) -> None:
        super().__init__(message)
        self.status = status


def say(message: str) -> None:
    """Writes one line of the launcher's own."""
    show(f"start: {message}")


def show(text: str) -> None:
    """Writes what was asked for, as it is; a terminal that has gone away is no reason to stop."""
    try:
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def complain(refusal: Refused) -> int:
    """Writes why it ends and returns the exit status that goes with it."""
    sys.stderr.write(f"start: {refusal}\n")
    return refusal.status
