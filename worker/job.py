"""One claimed batch's life: claim, run, hand over; and the reasons to stop in the middle."""

import time
from collections.abc import Sequence
from functools import partial
from typing import Protocol

import structlog
from sqlalchemy.exc import DBAPIError

from shared.claims import Claim, Claims
from shared.generation import Shape
from shared.progress import Progress, ProgressBoard
from worker.duty import Duty
from worker.errors import EngineError, ModelUnavailable, OutOfMemory
from worker.finisher import Finisher
from worker.leases import Leases
from worker.media import Made
from worker.stopwatch import Stopwatch

log = structlog.get_logger(__name__)

TURN_SECONDS = 5.0


class OnStep(Protocol):
    """Hears how many denoising steps of the whole are done, and what is done before the first; may raise to stop."""

    def __call__(self, step: int, steps: int, phase: str = "") -> None: ...


class Generator(Protocol):
    """What makes the pictures: the engine. `loaded` are the models that it holds ready."""

    @property
    def loaded(self) -> tuple[str, ...]: ...
    def batch_limit(self, shape: Shape) -> int: ...
    def generate(self, claimed: Sequence[Claim], on_step: OnStep) -> Sequence[Sequence[Made]]: ...


class LeaseLost(Exception):
    """The running batch must not go on: none of its tasks is ours any more."""


class Cancelled(Exception):
    """The running batch must not go on: nobody wants any of its tasks any more."""


class ShuttingDown(Exception):
    """The running batch must not go on: the process is to end."""


class Jobs:
    """Claims and runs batches in the thread of its caller: the one that owns the device, or one beside it."""

    def __init__(
        self,
        claims: Claims,
        leases: Leases,
        engine: Generator,
        finisher: Finisher,
        progress: ProgressBoard,
        duty: Duty,
    ) -> None:
        self._claims = claims
        self._leases = leases
        self._engine = engine
        self.finisher = finisher
        self._progress = progress
        self._duty = duty

    def look(self, queue: str) -> bool:
        """`work`, by somebody who looks again and again: what goes wrong is for the log."""
        try:
            return self.work(queue)
        except DBAPIError as error:
            log.debug("database_away", error=type(error).__name__)  # the heartbeat says it loud enough
        except Exception as error:  # the edge: whatever it is, it must not end the looking
            log.error("work_failed", exc_info=error)
        return False

    def work(self, queue: str) -> bool:
        """Work for one turn, or until nothing is left; True when something may be left at the turn's end.

        The bound lets Celery see to its own affairs between two turns. Raises DBAPIError.
        """
        ends = time.monotonic() + TURN_SECONDS
        left = False
        while not left and self._duty.claims and (claimed := self._claim(queue)):
            self._run(claimed)
            left = time.monotonic() > ends
        self.finisher.drain()
        return left

    def waiting(self, queue: str) -> bool:
        """Whether something is there to be claimed."""
        try:
            return self._claims.waiting(queue, 0) > 0
        except DBAPIError:
            return False

    def _claim(self, queue: str) -> list[Claim]:
        since = time.monotonic()
        claimed = self._claims.claim(queue, self._engine.batch_limit, self._engine.loaded)
        self._leases.hold(claimed, since)
        return claimed

    def _run(self, claimed: Sequence[Claim]) -> None:
        watch = Stopwatch()
        with structlog.contextvars.bound_contextvars(tasks=[claim.public_id for claim in claimed]):
            try:
                pictures = self._engine.generate(claimed, partial(self._step, claimed, watch))
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
                self.finisher.measured(claimed, watch.seconds(), whole=False)
            except Exception as error:  # the edge: whatever a pipeline raises must end its own tasks only
                self._failed(claimed, error)
            else:
                seconds = watch.seconds()
                self._finish(claimed, pictures)
                self.finisher.measured(claimed, seconds, whole=True)

    def _step(self, claimed: Sequence[Claim], watch: Stopwatch, step: int, steps: int, phase: str = "") -> None:
        watch.tick(step, phase)
        if self._duty.stopping:
            raise ShuttingDown
        held = [claim for claim in claimed if self._leases.holds(claim)]
        if not held:
            raise LeaseLost
        cancelled = [claim for claim in held if self._tell(claim, Progress(claim.fence, step, steps, phase))]
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
        self._leases.count(cancelled)
        self._progress.announce(claim.public_id)
        return cancelled

    def _finish(self, claimed: Sequence[Claim], pictures: Sequence[Sequence[Made]]) -> None:
        """What was cancelled meanwhile is left out."""
        wanted = [(claim, made) for claim, made in zip(claimed, pictures, strict=True) if self._leases.holds(claim)]
        self.finisher.finish([claim for claim, _ in wanted], [made for _, made in wanted])

    def _give_back(self, claimed: Sequence[Claim]) -> None:
        """Whether or not the database can be told: what is not renewed any more comes back by itself."""
        self._drop(claimed)
        try:
            given_back = self._claims.give_back([(claim.id, claim.fence) for claim in claimed])
        except DBAPIError as error:
            log.warning("database_away", error=type(error).__name__)
        else:
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
        if isinstance(error, OutOfMemory):
            self.finisher.pass_on(claimed[0], error.code)
            return
        for claim in claimed:
            self.finisher.fail(claim, error.code if isinstance(error, EngineError) else "generation_failed")

    def _drop(self, claimed: Sequence[Claim]) -> None:
        for claim in claimed:
            self._leases.drop(claim)
