"""One claimed batch's life: claim, run, hand over; and the reasons to stop in the middle."""

import time
from collections.abc import Sequence
from functools import partial
from typing import Protocol

import structlog
from sqlalchemy.exc import DBAPIError

from shared.claims import Claim, Claims
from shared.generation import Shape
from shared.lifecycle import Status
from shared.progress import Progress, ProgressBoard
from shared.tallies import BATCH, QUEUE_WAIT, RETRIES, RUN, labels_of
from worker.duty import Duty
from worker.errors import DeviceBroken, EngineError, ModelUnavailable, OutOfMemory, bare
from worker.finisher import Finisher
from worker.handback import give_back
from worker.leases import Leases
from worker.media import Made
from worker.stopwatch import Stopwatch
from worker.tracing import about

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


class Stopped(Exception):
    """Base: the running batch must not go on, and nothing is wrong with what makes it."""


class LeaseLost(Stopped):
    """None of its tasks is ours any more."""


class Cancelled(Stopped):
    """Nobody wants any of its tasks any more."""


class ShuttingDown(Stopped):
    """The process is to end."""


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
        self._shown: dict[int, Progress] = {}

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
            self._shown.clear()
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
        for claim in claimed:
            _tally(claim)
        return claimed

    def _run(self, claimed: Sequence[Claim]) -> None:
        watch = Stopwatch()
        failure: EngineError | None = None
        labels = labels_of(claimed[0].kind, claimed[0].parameters)
        BATCH.add(*labels, value=len(claimed))
        with about(claimed):
            log.info("run_began", model=claimed[0].parameters.model, attempts=[claim.attempt for claim in claimed])
            try:
                pictures = self._engine.generate(claimed, partial(self._step, claimed, watch))
            except ShuttingDown:
                give_back(self._leases, claimed)
            except SystemExit:  # the pool ends this child by SIGTERM
                give_back(self._leases, claimed)
                raise
            except LeaseLost:
                log.warning("lease_lost")
                self._drop(claimed)
            except Cancelled:
                log.info("cancelled")
                self.finisher.measured(claimed, watch.seconds(), whole=False)
                self._drop(claimed)  # what was lost before
            except Exception as error:  # the edge: whatever a pipeline raises must end its own tasks only
                log.error("generation_failed", exc_info=error)
                failure = bare(error, claimed[0].parameters.model)
            else:
                if (seconds := watch.seconds()) is not None:
                    RUN.add(*labels, value=seconds)
                self._finish(claimed, pictures)
                self.finisher.measured(claimed, seconds, whole=True)
            if failure:
                self._failed(claimed, failure)

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
        """Show how far it is; True when its user has cancelled it, which it then is.

        A run that begins anew, with less memory or alone, shows nothing new until it has caught up.
        """
        before = self._shown.get(claim.id)
        if before is None or not progress.is_behind(before):
            self._shown[claim.id] = progress
        return self._cancelled(claim, self._progress.write(claim.public_id, self._shown[claim.id]))

    def _cancelled(self, claim: Claim, asked: bool) -> bool:
        if not (asked or self._leases.unwanted(claim)):
            return False
        try:
            cancelled = self._claims.cancel(claim)
        except DBAPIError as error:
            log.warning("database_away", error=type(error).__name__)
            return False  # the next step tries again
        self._leases.drop(claim)
        if cancelled:
            self._leases.count(claim, Status.CANCELLED)
        self._progress.announce(claim.public_id)
        return cancelled

    def _finish(self, claimed: Sequence[Claim], pictures: Sequence[Sequence[Made]]) -> None:
        """What was cancelled meanwhile is left out, also while the last pictures were decoded."""
        wanted = [(claim, made) for claim, made in zip(claimed, pictures, strict=True) if self._wants(claim)]
        self.finisher.finish([claim for claim, _ in wanted], [made for _, made in wanted])

    def _wants(self, claim: Claim) -> bool:
        if not self._leases.holds(claim):
            self._leases.drop(claim)
            return False
        return not self._cancelled(claim, self._progress.is_to_stop(claim.public_id, claim.fence))

    def _failed(self, claimed: Sequence[Claim], error: EngineError) -> None:
        """A batch that fails is tried again one by one, so that only the task at fault fails.

        Without their model all of them fail. Raises SystemExit, for the parent to start a fresh process, when this one
        cannot use its device any more.
        """
        if len(claimed) > 1 and not isinstance(error, ModelUnavailable | DeviceBroken):
            self._one_by_one(claimed)
            return
        end = self.finisher.pass_on if isinstance(error, OutOfMemory | DeviceBroken) else self.finisher.fail
        for claim in claimed:
            end(claim, error.code)
        if isinstance(error, DeviceBroken):
            raise SystemExit(1)

    def _one_by_one(self, claimed: Sequence[Claim]) -> None:
        """Those that it does not come to are given back."""
        left = list(claimed)
        try:
            while left and not self._duty.stopping:
                self._run([left.pop(0)])
        finally:
            if left:
                give_back(self._leases, left)

    def _drop(self, claimed: Sequence[Claim]) -> None:
        for claim in claimed:
            self._leases.drop(claim)


def _tally(claim: Claim) -> None:
    labels = labels_of(claim.kind, claim.parameters)
    if claim.fence == 1:
        QUEUE_WAIT.add(*labels, value=claim.waited)
    if claim.attempt > 1:
        RETRIES.add(*labels)
