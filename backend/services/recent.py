"""The progress of running tasks: as it is, and as this process has last read it and has heard of nothing newer.

A poll that knows the progress already needs no question to Redis, which would be a third of its cost. What is
remembered only says that nothing is new, so that two processes never tell one client a step and then the one before it.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass

from backend.watch import Watch
from shared.progress import Progress, ProgressBoard

KEPT = 1024
RECENT_SECONDS = 2.0  # should the channel have lost what was said on it


@dataclass
class Reading:
    """What was read of a task's progress, from a moment of time.monotonic() on; None until it has come."""

    begun: float
    progress: Progress | None = None


class RecentProgress:
    """Lives as long as the process."""

    def __init__(self, board: ProgressBoard, watch: Watch) -> None:
        self._board = board
        self._watch = watch
        self._readings: dict[str, Reading] = {}
        watch.told = self._forget

    def read_all(self, fences: Mapping[str, int]) -> dict[str, Progress]:
        """The progress of just these claims (their fences by task) now, as far as it is known."""
        if not fences:
            return {}
        self._watch.attend()
        if len(self._readings) + len(fences) > KEPT:
            self._readings.clear()
        readings = {task: Reading(time.monotonic()) for task in fences}
        self._readings.update(readings)  # before it is read: what is said meanwhile ends it
        found = self._board.read_all(fences)
        for task, progress in found.items():
            readings[task].progress = progress
        return found

    def recall(self, task: str, fence: int) -> Progress | None:
        """The progress of just this claim as far as this process knows; None when it has to be read."""
        reading = self._readings.get(task)
        if reading is None or reading.progress is None or reading.progress.fence != fence:
            return None
        is_recent = reading.begun > max(self._watch.heard_since, time.monotonic() - RECENT_SECONDS)
        return reading.progress if is_recent else None

    def _forget(self, task: str) -> None:
        self._readings.pop(task, None)
