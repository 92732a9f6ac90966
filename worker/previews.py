"""Shows what running tasks will become: a small picture now and then, made beside the thread that owns the device."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from itertools import count
from typing import Protocol

import structlog

from shared.claims import Claim
from shared.progress import ProgressBoard
from worker.tracing import about

log = structlog.get_logger(__name__)

EVERY_SECONDS = 1.0
FIRST_STEP = 3  # what was guessed before shows nothing
UNSHOWABLE = (RuntimeError, ValueError, TypeError, AttributeError, LookupError)


class Sketch(Protocol):
    """A task's unfinished picture, as it comes out of a call; encoding it may have to wait for the device."""

    @property
    def claim(self) -> Claim: ...
    def encode(self) -> bytes: ...


class Previews:
    """At most one picture of each task a second, and none while the last ones are still at work."""

    def __init__(
        self, board: ProgressBoard, clock: Callable[[], float] = time.monotonic, pool: Executor | None = None
    ) -> None:
        self._board = board
        self._clock = clock
        self._pool = pool or ThreadPoolExecutor(max_workers=1, thread_name_prefix="previews")
        self._last: Future[None] | None = None
        self._numbers = count(1)
        self.begin()

    def begin(self) -> None:
        """A call begins; one that ends within a second is not worth a look."""
        self._due = self._clock() + EVERY_SECONDS

    def offer(self, step: int, sketches: Callable[[], Sequence[Sketch]]) -> None:
        """After each of a call's steps; `sketches` is called when it is time for them. Nothing here ends the call."""
        if step < FIRST_STEP or self._clock() < self._due or self._busy:
            return
        self._due = self._clock() + EVERY_SECONDS
        try:
            found = sketches()
        except UNSHOWABLE as error:
            log.warning("preview_failed", error=str(error))
            return
        if found:
            self._last = self._pool.submit(self._show, found)

    @property
    def _busy(self) -> bool:
        return self._last is not None and not self._last.done()

    def _show(self, sketches: Sequence[Sketch]) -> None:
        for sketch in sketches:
            with about([sketch.claim]):
                try:
                    self._board.show(sketch.claim.public_id, sketch.claim.fence, next(self._numbers), sketch.encode())
                except Exception as error:  # the edge of this thread: without a preview nothing is lost
                    log.warning("preview_failed", exc_info=error)
