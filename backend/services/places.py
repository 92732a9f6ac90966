"""How far back in a long queue a task stands: by a look at the whole queue now and then, instead of counting each time.

In a short queue each poll counts, which is exact and takes microseconds; to count to the ten thousandth takes longer
than all else that a poll does.
"""

import time
from bisect import bisect_right
from collections.abc import Callable, Sequence

from sqlalchemy import String, bindparam

from backend.reads import Reads
from shared.models import Task
from shared.queue_order import waiting

KEPT_SECONDS = 2.0
LONG = 500  # tasks that wait
STARTS = waiting(Task.virtual_start, queue=bindparam("queue", type_=String))


class Places:
    """The newest look at each long queue; lives as long as the process."""

    def __init__(self, reads: Reads, clock: Callable[[], float] = time.monotonic) -> None:
        self._reads = reads
        self._clock = clock
        self._kept: dict[str, tuple[float, Sequence[float]]] = {}

    @property
    def long(self) -> bool:
        """Whether a queue is too long for each poll to count."""
        return bool(self._kept)

    def count(self, queue: str, place: int) -> int:
        """Note what was counted: it shows when a queue has become long."""
        if place > LONG and queue not in self._kept:
            self._look(queue)
        return place

    def find(self, queue: str, start: float) -> int:
        """The place of a task, 1 for the next one, by its virtual start; as it was within the last two seconds."""
        looked, starts = self._kept.get(queue, (0.0, ()))
        if not looked or self._clock() - looked > KEPT_SECONDS:
            starts = self._look(queue)
        before = bisect_right(starts, start)
        return before if before and starts[before - 1] == start else before + 1

    def _look(self, queue: str) -> Sequence[float]:
        if kept := self._kept.get(queue):  # whoever asks meanwhile has the last one
            self._kept[queue] = (self._clock(), kept[1])
        starts = [row.virtual_start for row in self._reads.all(STARTS, queue=queue)]
        if len(starts) > LONG:
            self._kept[queue] = (self._clock(), starts)
        else:
            self._kept.pop(queue, None)
        return starts
