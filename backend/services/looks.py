"""Looks at queues, each shared by all who ask within two seconds."""

import time
from collections.abc import Callable
from typing import Generic, TypeVar

KEPT_SECONDS = 2.0

Seen = TypeVar("Seen")


class Looks(Generic[Seen]):
    """The newest look at each queue. While one thread looks anew, whoever asks has the last one."""

    def __init__(
        self,
        look: Callable[[str], Seen],
        clock: Callable[[], float] = time.monotonic,
        keeps: Callable[[Seen], bool] = lambda seen: True,
    ) -> None:
        """`keeps` says whether what was seen counts for longer than the one question."""
        self._look = look
        self._clock = clock
        self._keeps = keeps
        self._kept: dict[str, tuple[float, Seen]] = {}

    def __bool__(self) -> bool:
        return bool(self._kept)

    def __contains__(self, queue: str) -> bool:
        return queue in self._kept

    def of(self, queue: str) -> Seen:
        """As it was within the last two seconds."""
        kept = self._kept.get(queue)
        if kept and self._clock() - kept[0] <= KEPT_SECONDS:
            return kept[1]
        if kept:
            self._kept[queue] = (self._clock(), kept[1])
        seen = self._look(queue)
        if self._keeps(seen):
            self._kept[queue] = (self._clock(), seen)
        else:
            self._kept.pop(queue, None)
        return seen
