"""Encodes, stores and completes beside the device's thread, so that the next batch computes meanwhile."""

import hashlib
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import structlog
from sqlalchemy.exc import DBAPIError

from shared.claims import Claim, Claims
from shared.kept import results_folder
from shared.lifecycle import Status
from shared.storage import EXTENSIONS, Storage, discard
from worker.leases import Leases
from worker.media import Made
from worker.tracing import about

log = structlog.get_logger(__name__)

RETRY_SECONDS = 1.0
BACKLOG = 2


class Finisher:
    """Files first, under the claim's own name; then the row, if the claim still counts; else the files go again."""

    def __init__(self, claims: Claims, leases: Leases, storage: Storage, announce: Callable[[str], None]) -> None:
        """`announce` tells who watches a task (its public id) that it has ended."""
        self._claims = claims
        self._announce = announce
        self._leases = leases
        self._storage = storage
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="finisher")
        self._pending: list[Future[None]] = []

    def finish(self, claimed: Sequence[Claim], pictures: Sequence[Sequence[Made]]) -> None:
        """Take over these tasks and their pictures; waits only when much is pending already."""
        self.drain(keep=BACKLOG)
        for claim, made in zip(claimed, pictures, strict=True):
            self._pending.append(self._pool.submit(self._told, claim, made))

    def fail(self, claim: Claim, code: str) -> None:
        """End a task that cannot be done."""
        with about([claim]):
            try:
                self._end_badly(claim, code)
            finally:
                self._let_go(claim)

    def pass_on(self, claim: Claim, code: str) -> None:
        """Let another worker try what this one cannot do; after the last try it has failed."""
        with about([claim]):
            try:
                self._insist(claim, lambda: self._claims.pass_on(claim, code), code)
            finally:
                self._let_go(claim)

    def measured(self, claimed: Sequence[Claim], seconds: float | None, *, whole: bool) -> None:
        """Tell, after what was finished before, how long the call of these tasks took, if that is known."""
        if seconds is not None:
            self._pending.append(self._pool.submit(self._measured, claimed, seconds, whole))

    def drain(self, keep: int = 0) -> None:
        """Wait until at most `keep` tasks are pending."""
        while len(self._pending) > keep:
            self._pending.pop(0).result()

    def _told(self, claim: Claim, pictures: Sequence[Made]) -> None:
        with about([claim]):
            self._finish(claim, pictures)

    def _finish(self, claim: Claim, pictures: Sequence[Made]) -> None:
        keys: list[str] = []
        completed: bool | None = False
        try:
            results = [self._store(claim, number, picture, keys) for number, picture in enumerate(pictures, start=1)]
            completed = None  # from here on the row may say so, whatever is raised
            completed = self._insist(claim, lambda: self._claims.complete(claim, results), Status.COMPLETED)
            if completed:
                log.info("task_completed")
            else:
                log.warning("lease_lost")
        except OSError as error:
            log.error("storage_failed", error=str(error))
            self._end_badly(claim, "storage_failed")
        except Exception as error:  # the edge of this thread: the task must end all the same
            log.error("generation_failed", exc_info=error)
            self._end_badly(claim, "generation_failed")
        finally:
            self._let_go(claim)
            if completed is False:  # else the row tells of them, or may do so: if not, the sweep finds them
                discard(self._storage, keys)

    def _measured(self, claimed: Sequence[Claim], seconds: float, whole: bool) -> None:
        try:
            self._claims.measured(claimed, seconds, whole=whole)
        except DBAPIError as error:  # what is not learnt from this run is learnt from the next
            log.warning("database_away", error=type(error).__name__)

    def _end_badly(self, claim: Claim, code: str) -> None:
        if self._insist(claim, lambda: self._claims.fail(claim, code), code):
            log.info("task_failed", code=code)

    def _let_go(self, claim: Claim) -> None:
        self._leases.drop(claim)
        self._announce(claim.public_id)

    def _store(self, claim: Claim, number: int, picture: Made, keys: list[str]) -> dict[str, Any]:
        """The picture and its thumbnail, as the row describes them."""
        encoded = picture.encode(claim)
        extension = EXTENSIONS[encoded.media_type]
        key = f"{results_folder(claim.public_id)}/{claim.public_id}.{claim.fence}.{number}"
        name = claim.public_id if number == 1 else f"{claim.public_id}_{number}"
        full = self._save(f"{key}.{extension}", encoded.data, encoded.size, keys)
        thumbnail = self._save(f"{key}.thumb.webp", encoded.thumbnail, encoded.thumbnail_size, keys)
        return {
            **full,
            "name": f"{name}.{extension}",
            "media_type": encoded.media_type,
            "seed": encoded.seed,
            **({"made": dict(encoded.made)} if encoded.made else {}),
            **encoded.motion,
            "thumbnail": {**thumbnail, "name": f"{name}_thumb.webp", "media_type": "image/webp"},
        }

    def _save(self, key: str, data: bytes, size: tuple[int, int], keys: list[str]) -> dict[str, Any]:
        keys.append(key)
        self._storage.save(key, data)
        sha256 = hashlib.sha256(data).hexdigest()
        return {"key": key, "bytes": len(data), "sha256": sha256, "width": size[0], "height": size[1]}

    def _insist(self, claim: Claim, end: Callable[[], bool], outcome: str) -> bool | None:
        """End it, and try again while the database is away and the lease may still be ours.

        None when the last answer was lost: a database that goes away while it commits may have committed.
        """
        ended: bool | None = False
        while self._leases.holds(claim):
            try:
                done = end()
                if done:
                    self._leases.count(claim, outcome)
                return done
            except DBAPIError as error:
                ended = None
                log.warning("database_away", error=type(error).__name__)
                time.sleep(RETRY_SECONDS)
        return ended
