"""Whether this process takes tasks."""

from dataclasses import dataclass


@dataclass
class Duty:
    """One for all threads of the process; plain assignments, so that a signal's handler may stop it."""

    stopping: bool = False
    """The process is about to end: what runs is given back at its next step."""
    draining: bool = False
    """An admin wants it to take no more: what runs is finished."""

    @property
    def claims(self) -> bool:
        return not (self.stopping or self.draining)
