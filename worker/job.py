"""One claimed batch's life: claim, run, hand over; and the reasons to stop in the middle."""

import threading
import time
from collections.abc import Callable, Sequence
from typing import Protocol

import structlog
from sqlalchemy.exc import DBAPIError

from shared.claims import Claim, Claims
from shared.messages import Wake
from shared.progress import Progress, ProgressBoard
from shared.queue import Queue
from worker.errors import EngineError, ModelUnavailable
from worker.finisher import Finisher
from worker.leases import Leases
from worker.media import Made

log = structlog.get_logger(__name__)

TURN_SECONDS = 5.0


class Generator(Protocol):
    """What makes the pictures: the engine."""

    def batch_limit(self, model: str) -> int: ...
    def generate(self, claimed: Sequence[Claim], on_step: Callable[[int, int], None]) -> Sequence[Sequence[Made]]: ...


class LeaseLost(Exception):
    """The running batch must not go on: none of its tasks is ours any more."""


class Cancelled(Exception):
    """The running batch must not go on: nobody wants any of its tasks any more."""


class ShuttingDown(Exception):
    """The running batch must not go on: the process is to end."""


class Jobs:
    """Claims and runs batches in the thread that owns the device."""

    def __init__(
        self,
        claims: Claims,
        leases: Leases,
        engine: Generator,
        finisher: Finisher,
        progress: ProgressBoard,
        queue: Queue,
    ) -> None:
        self._claims = claims
        self._leases = leases
        self._engine = engine
        self.finisher = finisher
        self._progress = progress
        self._queue = queue
        self._stopping = threading.Event()

    def stop(self) -> None:
        """Give back what runs at its next step and claim nothing more."""
        self._stopping.set()

    def work(self, queue: str) -> None:
        """Work for one turn, or until nothing is left; what may be left at a turn's end is rung for.

        The bound lets Celery see to its own affairs between two turns.
        """
        ends = time.monotonic() + TURN_SECONDS
        while not self._stopping.is_set() and (claimed := self._claim(queue)):
            self._run(claimed)
            if time.monotonic() > ends or self._stopping.is_set():
                self._queue.send(Wake(queue))
                break
        self.finisher.drain()

    def _claim(self, queue: str) -> list[Claim]:
        since = time.monotonic()
        claimed = self._claims.claim(queue, self._engine.batch_limit)
        self._leases.hold(claimed, since)
        return claimed

    def _run(self, claimed: Sequence[Claim]) -> None:
        with structlog.contextvars.bound_contextvars(tasks=[claim.public_id for claim in claimed]):
            try:
                pictures = self._engine.generate(claimed, lambda step, steps: self._step(claimed, step, steps))
            except ShuttingDown:
                self._give_back(claimed)
            except SystemExit:  # the pool ends this child by SIGTERM
                self._give_back(claimed)
                raise
            except LeaseLost:
                log.warning("lease_lost")
                self._drop(claimed)
            except Cancelled:
                log.info("cancelled")
            except Exception as error:  # the edge: whatever a pipeline raises must end its own tasks only
                self._failed(claimed, error)
            else:
                self._finish(claimed, pictures)

    def _step(self, claimed: Sequence[Claim], step: int, steps: int) -> None:
        if self._stopping.is_set():
            raise ShuttingDown
        held = [claim for claim in claimed if self._leases.holds(claim)]
        if not held:
            raise LeaseLost
        cancelled = [claim for claim in held if self._tell(claim, Progress(claim.fence, step, steps))]
        if cancelled == held:
            raise Cancelled

    def _tell(self, claim: Claim, progress: Progress) -> bool:
        """Show how far it is; True when its user has cancelled it, which it then is."""
        if not (self._progress.write(claim.public_id, progress) or self._leases.unwanted(claim)):
            return False
        try:
            cancelled = self._claims.cancel(claim)
        except DBAPIError as error:
            log.warning("database_away", task=claim.public_id, error=type(error).__name__)
            return False  # the next step tries again
        self._leases.drop(claim)
        self._progress.announce(claim.public_id)
        return cancelled

    def _finish(self, claimed: Sequence[Claim], pictures: Sequence[Sequence[Made]]) -> None:
        """What was cancelled meanwhile is left out."""
        wanted = [(claim, made) for claim, made in zip(claimed, pictures, strict=True) if self._leases.holds(claim)]
        self.finisher.finish([claim for claim, _ in wanted], [made for _, made in wanted])

    def _give_back(self, claimed: Sequence[Claim]) -> None:
        """Whether or not the database can be told: what is not renewed any more comes back by itself."""
        self._drop(claimed)
        given_back = self._claims.give_back([(claim.id, claim.fence) for claim in claimed])
        log.info("given_back", count=given_back)

    def _failed(self, claimed: Sequence[Claim], error: Exception) -> None:
        """A batch that fails is tried again one by one, so that only the task at fault fails.

        Without their model all of them fail.
        """
        log.error("generation_failed", exc_info=error)
        if len(claimed) > 1 and not isinstance(error, ModelUnavailable):
            for claim in claimed:
                self._run([claim])
            return
        for claim in claimed:
            self.finisher.fail(claim, error.code if isinstance(error, EngineError) else "generation_failed")

    def _drop(self, claimed: Sequence[Claim]) -> None:
        for claim in claimed:
            self._leases.drop(claim)
