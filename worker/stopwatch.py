"""How long a pipeline call takes of the device, without the loading of its model."""

import time
from collections.abc import Callable


class Stopwatch:
    """Runs from when it is made."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._began = clock()
        self._loading = False
        self._first: tuple[int, float] | None = None
        self._last: tuple[int, float] | None = None

    def tick(self, step: int, phase: str) -> None:
        """So many steps are done; a phase comes before the first."""
        self._loading |= bool(phase)
        if step and not phase:
            self._last = (step, self._clock())
            self._first = self._first or self._last

    def seconds(self) -> float | None:
        """Until now: what lies before the first step counts as long as a later one. None when that is not known."""
        if self._first and self._last and self._last[0] > self._first[0]:
            (first, began), (last, ended) = self._first, self._last
            return self._clock() - began + first * (ended - began) / (last - first)
        return None if self._loading else self._clock() - self._began
