"""How far back in a long queue a task stands: by a look at the whole queue now and then, instead of counting each time.

In a short queue each poll counts, which is exact and takes microseconds; to count to the ten thousandth takes longer
than all else that a poll does.
"""

import time
from bisect import bisect_right
from collections.abc import Callable, Sequence

from sqlalchemy import String, bindparam

from backend.reads import Reads
from backend.services.looks import Looks
from shared.models import Task
from shared.queue_order import waiting

LONG = 500  # tasks that wait
STARTS = waiting(Task.virtual_start, queue=bindparam("queue", type_=String))


class Places:
    """The newest look at each long queue; lives as long as the process."""

    def __init__(self, reads: Reads, clock: Callable[[], float] = time.monotonic) -> None:
        self._reads = reads
        self._looks = Looks(self._starts, clock, keeps=lambda starts: len(starts) > LONG)

    @property
    def long(self) -> bool:
        """Whether a queue is too long for each poll to count."""
        return bool(self._looks)

    def count(self, queue: str, place: int) -> int:
        """Note what was counted: it shows when a queue has become long."""
        if place > LONG and queue not in self._looks:
            self._looks.of(queue)
        return place

    def find(self, queue: str, start: float) -> int:
        """The place of a task, 1 for the next one, by its virtual start; in a long queue as it was a moment ago."""
        starts = self._looks.of(queue)
        before = bisect_right(starts, start)
        return before if before and starts[before - 1] == start else before + 1

    def _starts(self, queue: str) -> Sequence[float]:
        return [row.virtual_start for row in self._reads.all(STARTS, queue=queue)]
